import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure, usage } from '../framework/failure.ts';

const BLOCK_BYTES = 32 * 1024;

/** A file of transfers that is read from its beginning more than once, and must be the same each time. */
export interface Input {
  path: string;
  bytes: number;
  /** The file's SHA-256 in hex; undefined until it was read to its end. */
  sha256(): string | undefined;
  /**
   * The whole file in blocks.
   *
   * @throws Failure (2) when it is not UTF-8; (11) when a block is not what it was at the first reading.
   */
  read(): AsyncGenerator<Buffer, void>;
  /** Up to 32 KiB of its text. */
  begin: string;
  close(): Promise<void>;
}

/** @throws Failure (2) when it cannot be read, or is no file that can be read twice. */
export async function openInput(path: string): Promise<Input> {
  const handle = await openFile(path);
  const { size } = await handle.stat();
  // The blocks of the first reading, and the digest of them all.
  const digests: string[] = [];
  let whole: string | undefined;

  async function* read(): AsyncGenerator<Buffer, void> {
    const isFirst = whole === undefined;
    digests.length = isFirst ? 0 : digests.length;
    const all = createHash('sha256');
    const utf8 = requireUtf8(path);
    let index = 0;
    for (let block = await readBlock(handle, 0); block.length > 0; block = await readBlock(handle, index * BLOCK_BYTES)) {
      const digest = hash('sha256', block, 'base64');
      if (isFirst) {
        digests.push(digest);
        all.update(block);
        utf8.check(block);
      } else if (digests[index] !== digest) throw hasChanged(path);
      index += 1;
      yield block;
    }
    if (isFirst) utf8.end();
    else if (index !== digests.length) throw hasChanged(path);
    whole ??= all.digest('hex');
  }

  const begin = (await readBlock(handle, 0)).toString();
  return { path, bytes: size, sha256: () => whole, read, begin, close: () => handle.close() };
}

async function openFile(path: string): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'error';
    throw usage({ en: `cannot read ${path} (${why})`, fr: `impossible de lire ${path} (${why})` });
  }
  await handle.close();
  throw usage({
    en: `${path} is not a file: an import reads it twice and remembers beside it what was sent`,
    fr: `${path} n'est pas un fichier : un import le lit deux fois et note à côté ce qui est envoyé`,
  });
}

/** As many bytes as there are, up to a block's. */
async function readBlock(handle: FileHandle, position: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let length = 0;
  while (length < BLOCK_BYTES) {
    const { bytesRead } = await handle.read(block, length, BLOCK_BYTES - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return block.subarray(0, length);
}

/** As the API does: a decoder would put U+FFFD in the place of what is not UTF-8, without a word. */
function requireUtf8(path: string) {
  let line = 1;
  let rest = Buffer.alloc(0);
  return {
    check(block: Buffer): void {
      const joined = rest.length === 0 ? block : Buffer.concat([rest, block]);
      const whole = joined.subarray(0, joined.length - unfinishedAtEnd(joined));
      if (!isUtf8(whole)) throw notUtf8(path, line + linesBeforeFault(whole));
      rest = Buffer.from(joined.subarray(whole.length));
      for (let at = whole.indexOf(10); at >= 0; at = whole.indexOf(10, at + 1)) line += 1;
    },
    end(): void {
      if (rest.length > 0) throw notUtf8(path, line);
    },
  };
}

/** How many bytes at the end begin a character whose other bytes are in the next block. */
function unfinishedAtEnd(block: Buffer): number {
  for (let back = 1; back <= Math.min(3, block.length); back += 1) {
    const byte = block[block.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function linesBeforeFault(text: Buffer): number {
  let begin = 0;
  for (let lines = 0; ; lines += 1) {
    const end = text.indexOf(10, begin);
    if (end < 0 || !isUtf8(text.subarray(begin, end))) return lines;
    begin = end + 1;
  }
}

function notUtf8(path: string, line: number): Failure {
  return usage({
    en: `line ${line} of ${path} is not UTF-8: save the file as UTF-8 (in Excel: CSV UTF-8)`,
    fr: `la ligne ${line} de ${path} n'est pas en UTF-8 : enregistrez le fichier en UTF-8 (dans Excel : CSV UTF-8)`,
  });
}

function hasChanged(path: string): Failure {
  return new Failure(exitCodes.changed, {
    en: `${path} changed while it was read: nothing of what changed was sent`,
    fr: `${path} a changé pendant la lecture : rien de ce qui a changé n'a été envoyé`,
  });
}
