import { doubtIn } from '@kpay/runtime/json-in-doubt';
import { MAX_BODY_BYTES } from '../problems/body-bounds.ts';
import { Problem } from '../problems/problem.ts';

// Three times as many as a transfer has fields, because labels are columns, too.
const MAX_COLUMNS = 100;
const MAX_FIRST_LINE = 20_000;
/** As many characters as the body of a single transfer may have bytes. */
export const MAX_LINE: number = MAX_BODY_BYTES;
export const TOO_LONG: string = `has more than ${MAX_LINE} characters`;

/** A line of a batch: its unparsed order, or why it cannot be read. */
export type Line = { kind: 'order'; line: number; value: unknown } | { kind: 'unreadable'; line: number; problem: string };

export function readJsonLine(line: number, content: string): Line {
  if (content.length > MAX_LINE) return { kind: 'unreadable', line, problem: TOO_LONG };
  const doubt = doubtIn(content);
  if (doubt !== undefined) return { kind: 'unreadable', line, problem: doubt };
  try {
    return { kind: 'order', line, value: JSON.parse(content) };
  } catch {
    return { kind: 'unreadable', line, problem: 'is not valid JSON' };
  }
}

/** A row as csv-parse returns it with `csvOptions`. */
export interface CsvRow {
  record: string[];
  info: { lines: number };
}

/**
 * The options of csv-parse for a batch, chosen by the beginning of the text.
 *
 * @throws Problem when the first line is too long.
 */
export function csvOptions(begin: string) {
  return {
    bom: true,
    info: true,
    delimiter: delimiterOf(begin),
    // Also when the first line ends differently from the others.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    // Excel writes rows of empty cells.
    skip_records_with_empty_values: true,
    max_record_size: MAX_LINE,
  };
}

/**
 * A comma, unless the first line has none. Spreadsheets write semicolons where the comma is the decimal sign, or tabs.
 */
function delimiterOf(begin: string): string {
  const [first = ''] = begin.slice(0, MAX_FIRST_LINE + 1).split(/[\r\n]/, 1);
  if (first.length > MAX_FIRST_LINE) throw tooMany('columns', MAX_COLUMNS);
  return [',', ';', '\t'].find((each) => first.includes(each)) ?? ',';
}

/** The field names in the first row. @throws Problem when there are too many, or one twice. */
export function columnsOf(head: readonly string[]): string[] {
  const names = withoutEmptyEnd(head.map((name) => name.trim()));
  if (names.length > MAX_COLUMNS) throw tooMany('columns', MAX_COLUMNS);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new Problem('invalid_request', `body: has two columns ${twice.slice(0, 80)}`, { pointer: '' });
  return names;
}

/** Reads a row. An empty cell is a missing field, and `metadata.team` is the label `team`. */
export function readCsvRow(names: readonly string[], { record, info: { lines: line } }: CsvRow): Line {
  const cells =
    record.length > names.length ? [...record.slice(0, names.length), ...withoutEmptyEnd(record.slice(names.length))] : record;
  if (cells.length !== names.length) {
    return { kind: 'unreadable', line, problem: `has ${cells.length} cells, and the first line has ${names.length}` };
  }
  return { kind: 'order', line, value: objectOf(names, cells) };
}

/** The problem for an error of csv-parse. */
export function problemOfCsv({ code, lines }: { code: string; lines?: unknown }): Problem {
  const place = Number.isInteger(lines) ? ` at line ${lines}` : '';
  const what = code === 'CSV_MAX_RECORD_SIZE' ? `${TOO_LONG}${place}` : `is not CSV${place}: a quote is open or out of place`;
  return new Problem('invalid_request', `body: ${what}`, { pointer: '' });
}

export function tooMany(what: string, most: number): Problem {
  return new Problem('invalid_request', `body: has more than ${most} ${what}`, { pointer: '' });
}

/** Excel writes columns without a name, and cells for them. */
function withoutEmptyEnd(cells: readonly string[]): string[] {
  return cells.slice(0, cells.findLastIndex((cell) => cell.trim() !== '') + 1);
}

/** An object without a prototype, so that no column name has a special meaning. */
function objectOf(names: readonly string[], cells: readonly string[]): unknown {
  const order: Record<string, unknown> = Object.create(null);
  const metadata: Record<string, string> = Object.create(null);
  for (const [index, name] of names.entries()) {
    const cell = cells[index] ?? '';
    if (cell === '') continue;
    const [, label] = /^metadata\.(.+)$/s.exec(name) ?? [];
    if (label !== undefined) metadata[label] = cell;
    // The only field that must be a number and cannot be text.
    else order[name] = name === 'priority' && /^\d$/.test(cell.trim()) ? Number(cell) : cell;
  }
  return { ...order, ...(Object.keys(metadata).length > 0 && { metadata: { ...metadata } }) };
}
