import { boundPassed } from '@kpay/core';
import { doubtIn } from '@kpay/runtime';
import { CsvError, parse } from 'csv-parse/sync';
import { Problem } from '../problems/problem.ts';
import { JSON_BOUNDS, MAX_BODY_BYTES, pastBound } from '../problems/unreadable-body.ts';
import type { TextBody } from './operation.ts';

// Thrice what a transfer has; labels are columns too.
const MAX_COLUMNS = 100;
const MAX_FIRST_LINE = 20_000;
/** As many characters as a single transfer's body may have bytes. */
const MAX_LINE = MAX_BODY_BYTES;
const MAX_WITH_EMPTY = 10_000;
/** A text in quotes can have lines, and Excel writes rows of empty cells. */
const MAX_CSV_LINES = 100_000;

/** A line of a batch: what it asks for, unparsed, or why it cannot be read. */
export type Line = { kind: 'order'; line: number; value: unknown } | { kind: 'unreadable'; line: number; problem: string };

/**
 * The lines of a batch, numbered as an editor does; empty ones are left out. Of CSV the first line names the fields:
 * an empty cell is a field that is not given, and `metadata.team` is the label `team`.
 *
 * @throws Problem when it cannot be read at all, or has more lines than allowed.
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
  // One more than there may be tells that there are too many.
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
  if (content.length > MAX_LINE) return { kind: 'unreadable', line, problem: `has more than ${MAX_LINE} characters` };
  const passed = boundPassed(content, JSON_BOUNDS);
  if (passed) return { kind: 'unreadable', line, problem: pastBound(passed) };
  const doubt = doubtIn(content);
  if (doubt !== undefined) return { kind: 'unreadable', line, problem: doubt };
  try {
    return { kind: 'order', line, value: JSON.parse(content) };
  } catch {
    return { kind: 'unreadable', line, problem: 'is not valid JSON' };
  }
}

function parseCsv(text: string, mostLines: number): Line[] {
  for (const end of ['\n', '\r']) requireFew(text, end);
  const [head, ...rows] = readCsv(text, mostLines + 2);
  if (!head) return [];
  const names = withoutEmptyEnd(head.record.map((name) => name.trim()));
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new Problem('invalid_request', `body: has two columns ${twice.slice(0, 80)}`, { pointer: '' });
  return rows.map(({ record, info }): Line => {
    const line = info.lines;
    const cells =
      record.length > names.length ? [...record.slice(0, names.length), ...withoutEmptyEnd(record.slice(names.length))] : record;
    if (cells.length !== names.length) {
      return { kind: 'unreadable', line, problem: `has ${cells.length} cells, and the first line has ${names.length}` };
    }
    return { kind: 'order', line, value: objectOf(names, cells) };
  });
}

function requireFew(text: string, end: string): void {
  let count = 0;
  for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, at + 1)) {
    count += 1;
    if (count > MAX_CSV_LINES) throw tooMany('lines, empty ones included', MAX_CSV_LINES);
  }
}

function tooMany(what: string, most: number): Problem {
  return new Problem('invalid_request', `body: has more than ${most} ${what}`, { pointer: '' });
}

/** Excel writes columns without a name, and cells for them. */
function withoutEmptyEnd(cells: readonly string[]): string[] {
  return cells.slice(0, cells.findLastIndex((cell) => cell.trim() !== '') + 1);
}

/** A comma, unless the first line has none: spreadsheets write semicolons where the comma is the decimal sign, or tabs. */
function delimiterOf(text: string): string {
  const [first = ''] = text.slice(0, MAX_FIRST_LINE + 1).split(/[\r\n]/, 1);
  if (first.length > MAX_FIRST_LINE) throw tooMany('columns', MAX_COLUMNS);
  return [',', ';', '\t'].find((each) => first.includes(each)) ?? ',';
}

interface Row {
  record: string[];
  info: { lines: number };
}

function readCsv(text: string, most: number): Row[] {
  let isHead = true;
  try {
    // Its types know nothing of `info`.
    return parse(text, {
      bom: true,
      info: true,
      delimiter: delimiterOf(text),
      // Also where the first line ends in another way than the others.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      // Excel writes rows of empty cells.
      skip_records_with_empty_values: true,
      max_record_size: MAX_LINE,
      to: most,
      // Before the rest is read.
      on_record: (row) => {
        if (isHead && withoutEmptyEnd((row as unknown as Row).record).length > MAX_COLUMNS) throw tooMany('columns', MAX_COLUMNS);
        isHead = false;
        return row;
      },
    }) as unknown as Row[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const place = Number.isInteger(error.lines) ? ` at line ${error.lines}` : '';
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      throw new Problem('invalid_request', `body: has more than ${MAX_LINE} characters${place}`, { pointer: '' });
    }
    throw new Problem('invalid_request', `body: is not CSV${place}: a quote is open or out of place`, { pointer: '' });
  }
}

/** Without a prototype, so that no column's name can mean anything else. */
function objectOf(names: readonly string[], cells: readonly string[]): unknown {
  const order: Record<string, unknown> = Object.create(null);
  const metadata: Record<string, string> = Object.create(null);
  for (const [index, name] of names.entries()) {
    const cell = cells[index] ?? '';
    if (cell === '') continue;
    const [, label] = /^metadata\.(.+)$/s.exec(name) ?? [];
    if (label !== undefined) metadata[label] = cell;
    // The only field that is a number and cannot be a text.
    else order[name] = name === 'priority' && /^\d$/.test(cell.trim()) ? Number(cell) : cell;
  }
  return { ...order, ...(Object.keys(metadata).length > 0 && { metadata: { ...metadata } }) };
}
