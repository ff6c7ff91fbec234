import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

/** Which import a journal is of. Another one of these is another import. */
export interface ImportIdentity {
  sha256: string;
  /** The API's address. */
  url: string;
  /** That of lines which name none; null is the API's own choice. */
  account: string | null;
}

/** Some good lines that are sent in one request, by the first and the last of them. */
export interface Chunk {
  from: number;
  to: number;
  lines: number;
}

/**
 * What an import remembers beside its file. Without it nothing is made twice either, because each line has an id of its own; it
 * saves sending again what was answered, and refuses a file that was changed in between, whose lines would get other ids.
 */
export interface Journal {
  path: string;
  /** The lines of a chunk that the API refused, when it answered for the whole chunk; undefined when it did not. */
  refusedOf(chunk: Chunk): ReadonlySet<number> | undefined;
  /** On the disk when it resolves. */
  willSend(chunk: Chunk): Promise<void>;
  /** On the disk when it resolves. */
  wasSent(chunk: Chunk, refused: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

interface Entry extends Chunk {
  /** `sending` before a chunk goes out, `sent` when the API has answered for all of it. */
  kind: 'sending' | 'sent';
  at: string;
  sha256: string;
  account: string | null;
  /** The lines that the API refused; they are sent again when the import is run again. */
  refused?: number[];
}

/** The journal's path: one beside the file for each API, as `payouts.csv.ops.example.kpay-import`. */
export function journalPath(input: string, url: string): string {
  const { host, pathname } = new URL(url);
  const api = `${host}${pathname}`.replace(/\/+$/, '').replaceAll(/[^a-zA-Z0-9.-]+/g, '-');
  return join(dirname(input), `${basename(input)}.${api}.kpay-import`);
}

/**
 * Opens the journal of an import, or makes one. Two processes may write to one: each entry is whole by itself, and the API recognises
 * what both send.
 *
 * @throws Failure (1) when it cannot be written or is none; (11) when something was sent of another import of this file's name.
 */
export async function openJournal(input: string, { url, ...identity }: ImportIdentity): Promise<Journal> {
  const path = journalPath(input, url);
  const { handle, text } = await openText(path);
  try {
    const entries = parseEntries(text);
    if (text !== '' && entries.length === 0) throw notOurs(path);
    const other = entries.find(({ sha256, account }) => sha256 !== identity.sha256 || account !== identity.account);
    if (other) throw isOther(input, path, other, identity);
    return journalOf(path, handle, { text, entries, identity });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openText(path: string): Promise<{ handle: FileHandle; text: string }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'a+', 0o600);
    const text = await handle.readFile('utf8');
    // So that the file's name is on the disk too, before something is sent.
    if (text === '') await syncFolder(dirname(path));
    return { handle, text };
  } catch (error) {
    await handle?.close();
    throw cannotWrite(path, error);
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folder.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

function journalOf(
  path: string,
  handle: FileHandle,
  { text, entries, identity }: { text: string; entries: readonly Entry[]; identity: Omit<ImportIdentity, 'url'> },
): Journal {
  const sent = new Map<string, ReadonlySet<number>>();
  for (const entry of entries) if (entry.kind === 'sent') sent.set(keyOf(entry), new Set(entry.refused));
  // A process that was killed, or a full disk, can have left half a line.
  let before = text === '' || text.endsWith('\n') ? '' : '\n';
  const append = async (entry: Pick<Entry, 'kind' | 'refused'> & Chunk): Promise<void> => {
    try {
      await handle.appendFile(`${before}${JSON.stringify({ ...entry, at: new Date().toISOString(), ...identity })}\n`);
      before = '';
      await handle.datasync();
    } catch (error) {
      throw cannotWrite(path, error);
    }
  };
  return {
    path,
    refusedOf: (chunk) => sent.get(keyOf(chunk)),
    willSend: ({ from, to, lines }) => append({ kind: 'sending', from, to, lines }),
    wasSent: ({ from, to, lines }, refused) => append({ kind: 'sent', from, to, lines, refused: [...refused] }),
    close: () => handle.close(),
  };
}

const keyOf = ({ from, to, lines }: Chunk) => `${from} ${to} ${lines}`;

/** Half a line is left out: what it told of is sent again, and the API recognises it. */
function parseEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry = line === '' ? undefined : (JSON.parse(line) as Partial<Entry>);
      return typeof entry?.sha256 === 'string' ? [entry as Entry] : [];
    } catch {
      return [];
    }
  });
}

function isOther(input: string, path: string, before: Entry, now: Omit<ImportIdentity, 'url'>): Failure {
  if (before.sha256 === now.sha256) {
    const en = before.account === null ? 'no --account' : `--account ${before.account}`;
    const fr = before.account === null ? 'sans --account' : `--account ${before.account}`;
    return new Failure(exitCodes.changed, {
      en: `${input} was begun with ${en}, and its lines would be made again in another account: use the same`,
      fr: `${input} a été commencé avec ${fr}, et ses lignes seraient refaites dans un autre compte : utilisez le même`,
    });
  }
  return new Failure(exitCodes.changed, {
    en: `${input} changed after its import began at ${before.at}, and the changed file is another import: nothing was sent. Bring the old file back to go on with it, and put new or corrected lines into a file of their own (${path} remembers the old one)`,
    fr: `${input} a changé après le début de son import à ${before.at}, et le fichier changé est un autre import : rien n'a été envoyé. Remettez l'ancien fichier pour continuer, et mettez les lignes nouvelles ou corrigées dans un fichier à part (${path} garde l'ancien)`,
  });
}

function notOurs(path: string): Failure {
  return new Failure(exitCodes.failed, {
    en: `${path} is in the place where an import is remembered, and is none: move it away; nothing was sent`,
    fr: `${path} est à la place de la mémoire de l'import, et n'en est pas une : déplacez-le ; rien n'a été envoyé`,
  });
}

function cannotWrite(path: string, error: unknown): Failure {
  const why = (error as NodeJS.ErrnoException).code ?? 'error';
  return new Failure(
    exitCodes.failed,
    {
      en: `cannot write ${path} (${why}), where the import is remembered: nothing more was sent`,
      fr: `impossible d'écrire ${path} (${why}), où l'import est noté : rien de plus n'a été envoyé`,
    },
    { cause: error },
  );
}
