import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type Epoch, type EpochWitness, mayOverwrite } from './epoch-witness.ts';

const epochSchema = z.object({ ledgerId: z.string(), epoch: z.number() });

/** A witness in a file, for one process at a time. A file without a valid epoch counts as no witness. */
export function createFileEpochWitness(path: string): EpochWitness {
  let last: Promise<void> = Promise.resolve();

  /** One write at a time: there is one draft file, and each write depends on what was read. */
  function inTurn(write: () => Promise<void>): Promise<void> {
    const written = last.then(write);
    last = written.catch(() => {});
    return written;
  }

  async function read(): Promise<Epoch | undefined> {
    try {
      return epochSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
  return {
    where: path,
    read,
    write: (epoch) =>
      inTurn(async () => {
        if (mayOverwrite(await read(), epoch)) await writeWhole(path, `${JSON.stringify(epoch)}\n`);
      }),
    replace: (epoch) => inTurn(() => writeWhole(path, `${JSON.stringify(epoch)}\n`)),
  };
}

/**
 * Replaces the file as a whole, so it is always the old or the new one. The new one is on the disk when this returns.
 */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
