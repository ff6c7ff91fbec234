import { statSync } from 'node:fs';

const WORLD_WRITABLE = 0o002;

/**
 * Why a file does not hold exactly one secret; undefined when it does. The text contains neither the secret nor a part
 * of it.
 *
 * @param content the file's content without surrounding blanks.
 */
export function whyNoSecret(content: string, path: string): string | undefined {
  if (/[\r\n]/.test(content)) return 'has more than one line, and must hold the secret alone';
  if (!/^[\x20-\x7e]*$/.test(content)) return 'has characters that are not ASCII, and must hold the secret alone';
  return whyOpen(path);
}

/**
 * Why a file with keys is not safe from other users; undefined when it is. A file that others can only read is
 * accepted: container platforms mount secrets like that, and the process could not change it.
 */
export function whyOpen(path: string): string | undefined {
  // Windows has no such permissions.
  if (process.getuid === undefined || (statSync(path).mode & WORLD_WRITABLE) === 0) return undefined;
  return `everybody on this machine may change (run chmod 600 ${path})`;
}
