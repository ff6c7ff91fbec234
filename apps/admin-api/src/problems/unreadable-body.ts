import { isUtf8 } from 'node:buffer';
import { boundPassed } from '@kpay/core';
import { doubtIn } from '@kpay/runtime';
import { JSON_BOUNDS } from './body-bounds.ts';

/** A request body that is refused before it is parsed. problem-of.ts chooses the problem by `type`. */
class UnreadableBody extends Error {
  readonly status: number;
  readonly type: 'body.charset' | 'body.not.utf8' | 'body.depth' | 'body.entries' | 'body.doubt';
  /** The line of the batch that cannot be read. */
  readonly line: number | undefined;
  /** What can be read in two ways. */
  readonly doubt: string | undefined;

  constructor(type: UnreadableBody['type'], { line, doubt }: { line?: number; doubt?: string } = {}) {
    super(type);
    this.type = type;
    this.status = type === 'body.charset' ? 415 : 400;
    this.line = line;
    this.doubt = doubt;
  }
}

/** For Express's readers, as `verify`: a decoder would put U+FFFD in the place of what is not UTF-8, without a word. */
export function verifyLines(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8') throw new UnreadableBody('body.charset');
  if (!isUtf8(body)) throw new UnreadableBody('body.not.utf8', { line: lineOfFault(body) });
}

export function verifyJson(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8') throw new UnreadableBody('body.charset');
  if (!isUtf8(body)) throw new UnreadableBody('body.not.utf8');
  const text = body.toString();
  const passed = boundPassed(text, JSON_BOUNDS);
  if (passed) throw new UnreadableBody(`body.${passed}`);
  const doubt = doubtIn(text);
  if (doubt !== undefined) throw new UnreadableBody('body.doubt', { doubt });
}

/** What is said of JSON that passes a bound. */
export function pastBound(passed: 'depth' | 'entries'): string {
  return passed === 'depth'
    ? `nests deeper than ${JSON_BOUNDS.depth}`
    : `has more than ${JSON_BOUNDS.entries} entries in a list or an object`;
}

/** The first line that is not UTF-8, as an editor numbers it: no character has a line feed among its bytes. */
function lineOfFault(body: Buffer): number {
  let begin = 0;
  for (let line = 1; ; line += 1) {
    const end = body.indexOf(10, begin);
    if (end < 0 || !isUtf8(body.subarray(begin, end))) return line;
    begin = end + 1;
  }
}
