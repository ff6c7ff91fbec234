import { statSync } from 'node:fs';

const WORLD_WRITABLE = 0o002;

/**
 * Why a file is not one that holds a secret alone, if it is not. It names neither the secret nor a part of it.
 *
 * @param content what is in it, without the blanks around it.
 */
export function whyNoSecret(content: string, path: string): string | undefined {
  if (/[\r\n]/.test(content)) return 'has more than one line, and must hold the secret alone';
  if (!/^[\x20-\x7e]*$/.test(content)) return 'has characters that are not ASCII, and must hold the secret alone';
  return whyOpen(path);
}

/**
 * Why a file with keys is not safe from other users, if it is not. One that others may read is let pass: container
 * platforms mount secrets so, and the process could not change it.
 */
export function whyOpen(path: string): string | undefined {
  // Windows has no such modes.
  if (process.getuid === undefined || (statSync(path).mode & WORLD_WRITABLE) === 0) return undefined;
  return `everybody on this machine may change (run chmod 600 ${path})`;
}
