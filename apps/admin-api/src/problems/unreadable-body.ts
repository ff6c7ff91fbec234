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
  /** The part that can be read in two ways. */
  readonly doubt: string | undefined;

  constructor(type: UnreadableBody['type'], { line, doubt }: { line?: number; doubt?: string } = {}) {
    super(type);
    this.type = type;
    this.status = type === 'body.charset' ? 415 : 400;
    this.line = line;
    this.doubt = doubt;
  }
}

/** The `verify` function of Express's readers. A decoder would silently replace invalid UTF-8 by U+FFFD. */
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

/** The error text for JSON that exceeds a bound. */
export function pastBound(passed: 'depth' | 'entries'): string {
  return passed === 'depth'
    ? `nests deeper than ${JSON_BOUNDS.depth}`
    : `has more than ${JSON_BOUNDS.entries} entries in a list or an object`;
}

/**
 * The first line that is not UTF-8, numbered as an editor does. A line feed is never part of another character's bytes.
 */
function lineOfFault(body: Buffer): number {
  let begin = 0;
  for (let line = 1; ; line += 1) {
    const end = body.indexOf(10, begin);
    if (end < 0 || !isUtf8(body.subarray(begin, end))) return line;
    begin = end + 1;
  }
}
