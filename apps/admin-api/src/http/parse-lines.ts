import { boundPassed } from '@kpay/core';
import { CsvError, parse } from 'csv-parse/sync';
import { JSON_BOUNDS } from '../problems/body-bounds.ts';
import { Problem } from '../problems/problem.ts';
import { pastBound } from '../problems/unreadable-body.ts';
import type { TextBody } from './operation.ts';
import {
  type CsvRow,
  columnsOf,
  csvOptions,
  type Line,
  MAX_LINE,
  problemOfCsv,
  readCsvRow,
  readJsonLine,
  tooMany,
} from './read-line.ts';

const MAX_WITH_EMPTY = 10_000;
/** A quoted text can span lines, and Excel writes rows of empty cells. */
const MAX_CSV_LINES = 100_000;

/**
 * Splits a batch into lines, numbered as an editor does, without empty ones. The first line of CSV names the fields. An
 * empty cell is a missing field, and `metadata.team` is the label `team`.
 *
 * @throws Problem when the batch cannot be read, or has too many lines.
 */
export function parseLines({ type, text }: TextBody, mostLines: number): Line[] {
  const lines = type === 'text/csv' ? parseCsv(text, mostLines) : parseNdjson(text, mostLines);
  if (lines.length === 0) throw new Problem('invalid_request', 'body: has no lines', { pointer: '' });
  if (lines.length > mostLines) {
    throw new Problem('invalid_request', `body: has more than ${mostLines} lines: send it in parts`, { pointer: '' });
  }
  return lines;
}

function parseNdjson(text: string, mostLines: number): Line[] {
  const lines: Line[] = [];
  let begin = text.startsWith('\ufeff') ? 1 : 0;
  // Reads one line more than allowed, to notice that there are too many.
  for (let line = 1; begin < text.length && lines.length <= mostLines; line += 1) {
    if (line > MAX_WITH_EMPTY) throw tooMany('lines, empty ones included', MAX_WITH_EMPTY);
    const next = text.indexOf('\n', begin);
    const end = next < 0 ? text.length : next;
    const content = text.slice(begin, end).trim();
    begin = end + 1;
    if (content !== '') lines.push(parseJsonLine(line, content));
  }
  return lines;
}

function parseJsonLine(line: number, content: string): Line {
  const passed = content.length > MAX_LINE ? undefined : boundPassed(content, JSON_BOUNDS);
  return passed ? { kind: 'unreadable', line, problem: pastBound(passed) } : readJsonLine(line, content);
}

function parseCsv(text: string, mostLines: number): Line[] {
  for (const end of ['\n', '\r']) requireFew(text, end);
  const [head, ...rows] = readCsv(text, mostLines + 2);
  if (!head) return [];
  const names = columnsOf(head.record);
  return rows.map((row) => readCsvRow(names, row));
}

function requireFew(text: string, end: string): void {
  let count = 0;
  for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, at + 1)) {
    count += 1;
    if (count > MAX_CSV_LINES) throw tooMany('lines, empty ones included', MAX_CSV_LINES);
  }
}

function readCsv(text: string, most: number): CsvRow[] {
  let isHead = true;
  try {
    // The library's types do not know `info`.
    return parse(text, {
      ...csvOptions(text),
      to: most,
      // Checked before the rest is read.
      on_record: (row) => {
        if (isHead) columnsOf((row as unknown as CsvRow).record);
        isHead = false;
        return row;
      },
    }) as unknown as CsvRow[];
  } catch (error) {
    throw error instanceof CsvError ? problemOfCsv(error) : error;
  }
}
