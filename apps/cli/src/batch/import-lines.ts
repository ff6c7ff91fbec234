import type { Chunk, Journal } from './journal.ts';
import type { BadLine, GoodLine } from './judge-lines.ts';
import { derivedId } from './judge-lines.ts';
import type { ChunkAnswer, SentLine } from './send-chunk.ts';

/** As many lines as are sent in one request. */
const CHUNK_LINES = 200;
/** Far below what the API takes at once, which is 5 MB. */
const CHUNK_CHARACTERS = 1_000_000;

export interface Imported {
  /** Good lines that the API has answered for, in this run and before it. */
  answered: number;
  /** Of these, transfers that this run made. */
  accepted: number;
  /** Of these, transfers that were there already. */
  before: number;
  /** Lines that became no transfer, for whatever reason. */
  refused: number;
}

export interface ImportOptions {
  sha256: string;
  journal: Journal;
  send: (lines: readonly SentLine[]) => Promise<ChunkAnswer>;
  /** Told of the lines that become no transfer, in the order of the file. */
  onRefused: (lines: readonly BadLine[]) => Promise<void>;
  /** Told after each chunk. */
  onProgress: (imported: Imported) => void;
}

/**
 * Sends the good lines in chunks, one after the other. A chunk that the journal has an answer for is left out, but for the lines
 * that were refused: they are asked for again, since a limit may have been raised.
 *
 * @param imported is counted up, so that it says how far it came when this throws.
 */
export async function importLines(
  lines: AsyncIterable<GoodLine | BadLine>,
  imported: Imported,
  { sha256, journal, send, onRefused, onProgress }: ImportOptions,
): Promise<void> {
  for await (const { good, bad } of chunksOf(lines, sha256)) {
    const answer = await importChunk(good, journal, send);
    const refused = [...bad, ...answer.refused].toSorted((a, b) => a.line - b.line);
    imported.answered += good.length;
    imported.accepted += answer.accepted;
    imported.before += good.length - answer.accepted - answer.refused.length;
    imported.refused += refused.length;
    if (refused.length > 0) await onRefused(refused);
    onProgress(imported);
  }
}

async function importChunk(good: readonly SentLine[], journal: Journal, send: ImportOptions['send']): Promise<ChunkAnswer> {
  const [first] = good;
  const last = good.at(-1);
  if (!first || !last) return { accepted: 0, replayed: 0, refused: [] };
  const chunk: Chunk = { from: first.line, to: last.line, lines: good.length };
  const before = journal.refusedOf(chunk);
  const due = before ? good.filter(({ line }) => before.has(line)) : good;
  if (due.length === 0) return { accepted: 0, replayed: 0, refused: [] };
  await journal.willSend(chunk);
  const answer = await send(due);
  await journal.wasSent(
    chunk,
    answer.refused.map(({ line }) => line),
  );
  return answer;
}

/** The bad lines go with the chunk that they stand in. The same file gives the same chunks. */
async function* chunksOf(
  lines: AsyncIterable<GoodLine | BadLine>,
  sha256: string,
): AsyncGenerator<{ good: SentLine[]; bad: BadLine[] }, void> {
  let good: SentLine[] = [];
  let bad: BadLine[] = [];
  let characters = 0;
  for await (const line of lines) {
    if (line.kind === 'bad') {
      bad.push(line);
    } else {
      const { order, needsId, line: number } = line;
      const text = JSON.stringify(needsId ? { ...order, externalId: derivedId(sha256, number) } : order);
      good.push({ line: number, text });
      characters += text.length;
    }
    if (good.length < CHUNK_LINES && bad.length < CHUNK_LINES && characters < CHUNK_CHARACTERS) continue;
    yield { good, bad };
    good = [];
    bad = [];
    characters = 0;
  }
  yield { good, bad };
}
