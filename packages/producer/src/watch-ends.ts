import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, type RestApi } from './rest-api.ts';

/** The ends of transfers, heard in the admin API's event stream while somebody waits for one. */
export interface EndWatch {
  /** Has the stream open until the answer is called. */
  begin(): () => void;
  /** Whether the stream is open now. */
  isOpen(): boolean;
  /** Comes back when the stream is closed for good. */
  end(): Promise<void>;
}

const OPENED_WITHIN_MS = 10_000;
// The API gives a sign of life every 15 seconds.
const SILENT_MS = 40_000;
const MAX_REOPEN_MS = 30_000;
const LINGER_MS = 5_000;
// An event has at most 35 kB; a server that sends more without an end of line is none of ours.
const MAX_LINE_CHARACTERS = 1_000_000;

/** Where a stream goes on. */
interface Position {
  lastEventId: string | undefined;
}

/** Emits a transfer's id in `ends` when it comes to its end. A stream that cannot be had costs seconds: waits read by themselves. */
export function watchEnds(api: RestApi, ends: EventEmitter, closed: AbortSignal): EndWatch {
  let waits = 0;
  let open = false;
  let listening: { stop: AbortController; over: Promise<void> } | undefined;
  let idle: NodeJS.Timeout | undefined;

  const listen = async (stop: AbortSignal) => {
    // With the id of the last event a stream that broke off goes on without a gap.
    const position: Position = { lastEventId: undefined };
    for (let tried = 0; !stop.aborted; tried++) {
      try {
        await readStream(position, stop, () => {
          open = true;
          tried = 0;
        });
      } catch {
        // The waits notice at their next read.
      }
      open = false;
      await delay(backoffMs(tried, MAX_REOPEN_MS), undefined, { signal: stop }).catch(() => {});
    }
  };

  async function readStream(position: Position, stop: AbortSignal, opened: () => void): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), OPENED_WITHIN_MS);
    try {
      const signal = AbortSignal.any([stop, silence.signal]);
      const resumed = position.lastEventId === undefined ? {} : { 'last-event-id': position.lastEventId };
      const headers = { accept: 'text/event-stream', ...resumed };
      const response = await api.send({ method: 'GET', path: '/v1/stream', headers, signal });
      if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
        await response.body?.cancel();
        // A ledger that was restored knows the event no more.
        if (response.status === 400) position.lastEventId = undefined;
        return;
      }
      opened();
      const decoder = new TextDecoder();
      let rest = '';
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENT_MS);
        const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > MAX_LINE_CHARACTERS) return;
        for (const line of lines) {
          if (line.startsWith('id: ')) position.lastEventId = line.slice('id: '.length);
          tell(line);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  function tell(line: string): void {
    if (!line.startsWith('data: ')) return;
    const { transferId, to } = JSON.parse(line.slice('data: '.length)) as { transferId?: string; to?: string };
    if (transferId !== undefined && to !== undefined && ENDS.has(to)) ends.emit(transferId);
  }

  const stopListening = () => {
    listening?.stop.abort();
    listening = undefined;
  };
  return {
    begin() {
      waits += 1;
      clearTimeout(idle);
      if (!listening && !closed.aborted) {
        const stop = new AbortController();
        listening = { stop, over: listen(AbortSignal.any([stop.signal, closed])) };
      }
      return () => {
        waits -= 1;
        // A wait that follows soon finds it open.
        if (waits === 0) idle = setTimeout(stopListening, LINGER_MS).unref();
      };
    },
    isOpen: () => open,
    async end() {
      clearTimeout(idle);
      const { over } = listening ?? {};
      stopListening();
      await over;
    },
  };
}

/** The final states of a transfer. A word that is not here yet is found by the next read. */
const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'rejected', 'cancelled', 'expired']);
