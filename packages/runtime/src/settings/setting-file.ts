import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { reasonOf } from '../start-error.ts';

/** A file with a thousand accounts has a third of this size. */
const MAX_BYTES = 1_000_000;

/**
 * Reads a settings file as text. A file that is not UTF-8 is refused, because a decoder would silently change its
 * characters.
 *
 * @param wrong makes the error from a text about the file.
 */
export function readSettingFile(path: string, wrong: (what: string) => Error): string {
  const content = readUpTo(MAX_BYTES, path, wrong);
  if (content === undefined) throw wrong('is longer than 1 MB');
  if (!isUtf8(content)) throw wrong('is not UTF-8: save it as UTF-8');
  return content.toString();
}

function readUpTo(most: number, path: string, wrong: (what: string) => Error): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      return fstatSync(file).size > most ? undefined : readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw wrong(`cannot be read (${reasonOf(error)})`);
  }
}
