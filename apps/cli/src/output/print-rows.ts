import type { Cli } from '../framework/command.ts';
import { csvOf } from './csv.ts';
import { printJson } from './print-result.ts';
import { type Column, printTable } from './table.ts';

/**
 * A whole list in the form that was asked for.
 *
 * @param answer what `--json` writes.
 * @param fields the columns of CSV, by the names of the answer.
 */
export async function printRows<Row extends object>(
  cli: Cli,
  {
    answer,
    rows,
    columns,
    fields,
  }: { answer: unknown; rows: readonly Row[]; columns: readonly Column<Row>[]; fields: readonly (keyof Row & string)[] },
): Promise<void> {
  const { io, format } = cli;
  if (format === 'json') return printJson(cli, answer);
  if (format === 'csv') return io.write(csvOf([fields, ...rows.map((row) => fields.map((field) => cellOf(row[field])))]));
  if (rows.length === 0) io.tell(io.text({ en: 'There are none.', fr: "Il n'y en a pas." }));
  await printTable(io, columns, rows);
}

/** A list within a row becomes one cell. */
function cellOf(value: unknown): string | number | boolean | null {
  if (Array.isArray(value))
    return value.map((each) => (typeof each === 'object' ? JSON.stringify(each) : String(each))).join(' ');
  return value === undefined || value === null
    ? null
    : typeof value === 'number' || typeof value === 'boolean'
      ? value
      : String(value);
}
