import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { reasonOf } from '../start-error.ts';

/** A thousand accounts have a third of it. */
const MAX_BYTES = 1_000_000;

/**
 * The text of a file of settings. What is not UTF-8 is refused: a decoder would change its characters without a word.
 *
 * @param wrong makes the error of what is said about the file.
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
