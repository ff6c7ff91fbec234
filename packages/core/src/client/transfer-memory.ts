import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Where `transferUntilKnown` keeps what it knows of one transfer: a file, a row, a key. A later call with the same memory
 * goes on where a crash ended the call before. One memory is for one transfer, and for one call at a time.
 */
export interface TransferMemory {
  /**
   * The text that was saved last, unchanged; null or undefined when none was. Called before anything is sent, and once more
   * after the first save: when it gives back another text then, nothing is sent.
   */
  load(): Promise<string | null | undefined> | string | null | undefined;
  /**
   * Keeps `text` in place of the text before; it is JSON of at most 20,000 characters. Resolve only when it is durable.
   * Called before each send and after each answer. When it throws before a send, nothing is sent.
   */
  save(text: string): Promise<unknown> | unknown;
}

/**
 * A memory in a file of this machine. Each save writes a file beside it, syncs it and renames it, so that a crash leaves
 * the old text or the new one.
 *
 * @param path such as `./transfers/invoice-2026-001.json`; its folder must exist. Never build it from text that others
 *   choose.
 */
export function createFileMemory(path: string): TransferMemory {
  return {
    async load() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    async save(text) {
      const written = `${path}.${randomUUID()}.tmp`;
      try {
        await writeDurably(written, text);
        await rename(written, path);
      } catch (error) {
        await rm(written, { force: true }).catch(() => {});
        throw error;
      }
      await syncFolder(dirname(path));
    },
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it the rename itself may be lost with the machine. Windows cannot open folders, and needs no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
