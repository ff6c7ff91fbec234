import { pipeline } from 'node:stream/promises';
import {
  type CsvRow,
  columnsOf,
  csvOptions,
  type Line,
  MAX_LINE,
  Problem,
  problemOfCsv,
  readCsvRow,
  readJsonLine,
  TOO_LONG,
} from '@kpay/admin-api/batch-lines';
import { CsvError, parse } from 'csv-parse';
import { type Failure, usage } from '../framework/failure.ts';
import type { Input } from './open-input.ts';

const NEWLINE = 10;
/** UTF-8 takes at most three bytes for what counts as one character. */
const MAX_LINE_BYTES = MAX_LINE * 3;

/**
 * The lines of a file, read by the rules of the API's own batch: CSV, or NDJSON when it begins with a brace. They are numbered as
 * an editor does, and each number is higher than the one before.
 *
 * @throws Failure (2) when the file as a whole is neither.
 */
export async function* readLines(input: Input): AsyncGenerator<Line, void> {
  const [first] = input.begin.replace(/^\ufeff/, '').trimStart();
  if (first === '[') {
    throw usage({
      en: `${input.path} is a JSON list: write one JSON object a line (NDJSON), or CSV`,
      fr: `${input.path} est une liste JSON : écrivez un objet JSON par ligne (NDJSON), ou du CSV`,
    });
  }
  let last = 0;
  for await (const line of first === '{' ? readNdjson(input) : readCsv(input)) {
    // Ids are made of it.
    if (line.line <= last) throw notLines(input, new Problem('invalid_request', `has two rows in line ${line.line}`));
    last = line.line;
    yield line;
  }
  if (last === 0) throw usage({ en: `${input.path} has no lines`, fr: `${input.path} n'a pas de lignes` });
}

async function* readNdjson(input: Input): AsyncGenerator<Line, void> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    // Of a line that is too long only its length counts.
    if (length <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const end = (): Line | undefined => {
    const text = Buffer.concat(parts).toString();
    const isLong = length > MAX_LINE_BYTES;
    parts = [];
    length = 0;
    if (isLong) return { kind: 'unreadable', line: number, problem: TOO_LONG };
    const content = (number === 1 ? text.replace(/^\ufeff/, '') : text).trim();
    return content === '' ? undefined : readJsonLine(number, content);
  };
  for await (const block of input.read()) {
    let begin = 0;
    for (let next = block.indexOf(NEWLINE); next >= 0; next = block.indexOf(NEWLINE, begin)) {
      add(block.subarray(begin, next));
      begin = next + 1;
      const line = end();
      if (line) yield line;
      number += 1;
    }
    add(block.subarray(begin));
  }
  const line = end();
  if (line) yield line;
}

async function* readCsv(input: Input): AsyncGenerator<Line, void> {
  let names: string[] | undefined;
  try {
    const parser = parse(csvOptions(input.begin));
    // What it throws comes out of the parser too.
    pipeline(input.read(), parser).catch(() => {});
    // Its types know nothing of `info`.
    for await (const row of parser as AsyncIterable<CsvRow>) {
      if (names) yield readCsvRow(names, row);
      else names = columnsOf(row.record);
    }
  } catch (error) {
    if (error instanceof CsvError) throw notLines(input, problemOfCsv(error));
    throw error instanceof Problem ? notLines(input, error) : error;
  }
}

function notLines({ path }: Input, { message }: Problem): Failure {
  const why = message.replace(/^body: /, '');
  return usage({ en: `${path} ${why}; nothing was sent`, fr: `${path} : ${why} ; rien n'a été envoyé` });
}
