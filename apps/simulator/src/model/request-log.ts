import { type SlidingWindow, windowOf } from './rate-limit.ts';

/** How a request ended; `open` while it has not. */
export type RequestEnding = 'open' | 'answered' | 'dropped' | 'truncated' | 'client_gone' | 'simulator_closed';

/** One request as it was received, and what became of it. */
export interface RequestRecord {
  /** From 1 up, in the order of receipt. */
  sequence: number;
  /** The HTTP method. */
  method: string;
  /** The path without its query. */
  path: string;
  /** The endpoint; null for a path that is none. */
  endpoint: string | null;
  /** Whose key or token it carried, even when the secret was wrong or the token expired. */
  applicationId: string | null;
  /** Of a transfer, when its body has one. */
  externalId: string | null;
  /** When its head arrived: ISO 8601, by the simulated clock. */
  receivedAt: string;
  /** The status that was decided; the client need not have seen it. Null while open and when there was none. */
  status: number | null;
  /** What became of the answer. */
  ending: RequestEnding;
  /** The kind of the fault that was injected. */
  fault: string | null;
  /** SHA-256 of the body, hex; null without a body. */
  bodyHash: string | null;
}

/** Counts of all requests since the start or the last reset, however few records are kept. */
export interface RequestCounts {
  /** All of them. */
  total: number;
  /** By the name of the endpoint, `unknown` for other paths. */
  byEndpoint: Record<string, number>;
  /** By the status that was decided. */
  byStatus: Record<string, number>;
  /** By how they ended. */
  byEnding: Record<string, number>;
  /** Requests refused by the limit; 429s of a fault are not among them. */
  refusedByLimit: number;
  /** Per application: the most receipts ever seen in one sliding window, the refused ones included. */
  mostInWindow: Record<string, number>;
}

/** Of a path or an id: the log must stay small whatever clients send. */
const keptTextLength = 200;

/** The latest requests, bounded, and counts of all of them. */
export class RequestLog {
  counts: RequestCounts = emptyCounts();
  readonly #capacity: number;
  #records: RequestRecord[] = [];
  #windows = new Map<string, SlidingWindow>();
  #open = new Set<RequestRecord>();
  #sequence = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  open(method: string, path: string, endpoint: string | null, at: number): RequestRecord {
    this.#sequence += 1;
    const record: RequestRecord = {
      sequence: this.#sequence,
      method,
      path: path.slice(0, keptTextLength),
      endpoint,
      applicationId: null,
      externalId: null,
      receivedAt: new Date(at).toISOString(),
      status: null,
      ending: 'open',
      fault: null,
      bodyHash: null,
    };
    this.#records.push(record);
    this.#open.add(record);
    // Cutting in batches keeps the cost of a request constant.
    if (this.#records.length >= this.#capacity * 2) this.#records = this.#records.slice(-this.#capacity);
    this.counts.total += 1;
    increment(this.counts.byEndpoint, endpoint ?? 'unknown');
    return record;
  }

  describeBody(record: RequestRecord, externalId: string | undefined, bodyHash: string | null): void {
    record.externalId = externalId?.slice(0, keptTextLength) ?? null;
    record.bodyHash = bodyHash;
  }

  countReceipt(applicationId: string, at: number, windowMs: number): void {
    const window = windowOf(this.#windows, applicationId);
    window.add(at);
    const { mostInWindow } = this.counts;
    mostInWindow[applicationId] = Math.max(mostInWindow[applicationId] ?? 0, window.count(at, windowMs));
  }

  close(record: RequestRecord, ending: RequestEnding): void {
    if (!this.#open.delete(record)) return;
    record.ending = ending;
    increment(this.counts.byEnding, ending);
  }

  closeAll(ending: RequestEnding): void {
    for (const record of this.#open) this.close(record, ending);
  }

  /** The client may be gone already; what was decided is true nevertheless. */
  decide(record: RequestRecord, status: number): void {
    record.status = status;
    increment(this.counts.byStatus, String(status));
  }

  /** The newest `most` records after `afterSequence`, oldest first. */
  list(most: number = this.#capacity, afterSequence = 0): RequestRecord[] {
    if (most <= 0) return [];
    const kept = this.#records.slice(-this.#capacity).filter((record) => record.sequence > afterSequence);
    return kept.slice(-most).map((record) => ({ ...record }));
  }

  reset(): void {
    this.counts = emptyCounts();
    this.#records = [];
    this.#open = new Set();
    this.#windows = new Map();
  }
}

function emptyCounts(): RequestCounts {
  return { total: 0, byEndpoint: {}, byStatus: {}, byEnding: {}, refusedByLimit: 0, mostInWindow: {} };
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
