import { setTimeout as sleep } from 'node:timers/promises';
import { type AdminClient, type BatchResult, NoAnswerError, ProblemError, UnreadableAnswerError } from '@kpay/admin-client';
import type { BadLine } from './judge-lines.ts';

/** From the first failure on; a chunk is asked for again until then. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 10_000;
/** A chunk is recorded line by line, and a loaded ledger takes its time. */
const TIMEOUT_MS = 120_000;

/** A line as it is sent. */
export interface SentLine {
  line: number;
  /** Its JSON. */
  text: string;
}

/** What became of the lines of a chunk. */
export interface ChunkAnswer {
  /** Made by this request. */
  accepted: number;
  /** Made by an earlier one. */
  replayed: number;
  refused: BadLine[];
}

export interface SendOptions {
  api: AdminClient;
  signal: AbortSignal;
  /** Told before the chunk is sent again. */
  onRetry: (error: unknown, afterMs: number) => void;
  patienceMs?: number;
}

/**
 * Sends lines until the API has answered for all of them. To send them again does no harm: each has an id of its own.
 *
 * @throws what the client threw last, once no answer came for a minute; or the first that may have reached the API.
 */
export async function sendChunk(lines: readonly SentLine[], options: SendOptions): Promise<ChunkAnswer> {
  const { api, signal, onRetry, patienceMs = PATIENCE_MS } = options;
  const body = lines.map(({ text }) => `${text}\n`).join('');
  let lost: unknown;
  let failingSinceMs: number | undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      const { data } = await api.createTransfers({ body, type: 'application/x-ndjson', timeoutMs: TIMEOUT_MS, signal });
      return answerOf(lines, data);
    } catch (error) {
      if (!isPassing(error)) throw error;
      failingSinceMs ??= performance.now();
      if (mayHaveArrived(error)) lost ??= error;
      if (performance.now() - failingSinceMs > patienceMs) throw lost ?? error;
      const backoffMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
      const afterMs = Math.max(error instanceof ProblemError ? (error.retryAfterMs ?? 0) : 0, backoffMs);
      onRetry(error, afterMs);
      await sleep(afterMs, undefined, { signal });
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof ProblemError) return error.problem.status === 429 || error.problem.status >= 500;
  return error instanceof NoAnswerError || (error instanceof UnreadableAnswerError && error.status >= 500);
}

function mayHaveArrived(error: unknown): boolean {
  if (error instanceof ProblemError) return error.problem.status >= 500;
  return !(error instanceof NoAnswerError && error.sent === 'no');
}

function answerOf(lines: readonly SentLine[], { accepted, replayed, results }: BatchResult): ChunkAnswer {
  if (results.length !== lines.length)
    throw new UnreadableAnswerError(200, `${results.length} results for ${lines.length} lines`);
  const refused = results.flatMap(({ problem }, index): BadLine[] =>
    problem === null ? [] : [{ kind: 'bad', line: lines[index]?.line ?? 0, ...reasonOf(problem) }],
  );
  return { accepted, replayed, refused };
}

type LineProblem = NonNullable<BatchResult['results'][number]['problem']>;

/** The field that a problem is about, where the API names none. */
const FIELDS: Readonly<Partial<Record<LineProblem['code'], string>>> = {
  idempotency_conflict: 'externalId',
  spend_limit_exceeded: 'amount',
};

function reasonOf({ code, detail, pointer = '' }: LineProblem): { field: string; reason: string } {
  const field = pointer.slice(1).replaceAll('/', '.') || FIELDS[code] || 'body';
  return { field, reason: detail.startsWith(`${field}: `) ? detail.slice(field.length + 2) : detail };
}
