import type { Ledger } from '@kpay/transfers';
import type { SinkEvent } from '@kpay/transfers/plugin';
import { AheadOfLedger, createEventFeed, type EventFeed } from '@kpay/transfers/worker';
import { z } from 'zod';
import { reaches } from '../auth/rights.ts';
import { type Call, describeOperation, type Operation } from '../http/operation.ts';
import { invalidParameter } from '../http/parse-query.ts';
import { createPlaces } from '../http/places.ts';
import { couldNotAskLedger } from '../problems/ledger-away.ts';

const MAX_STREAMS = 100;
const MAX_BY_CALLER = 50;
/** The interval of heartbeats, which keep proxies from closing the stream. The key is checked again at each. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;

const POSITION = /^\d{1,18}$/;
const querySchema = z.strictObject({
  after: z
    .string()
    .regex(POSITION, 'must be the id of an event')
    .optional()
    .describe('Where to begin, for a client that cannot set Last-Event-ID at first; 0 is the first event of the ledger.'),
  // Checked before anything else is read.
  token: z.string().optional().describe('A stream token, instead of the header Authorization.'),
});

/**
 * Streams the events of transfers as they happen. A position is an id of the ledger, so any process can continue from
 * it.
 */
export function streamEvents({ ledger }: { ledger: Ledger }): Operation {
  const feed = createEventFeed(ledger);
  const take = createPlaces({ of: 'streams', most: MAX_STREAMS, mostByCaller: MAX_BY_CALLER, retryAfterSeconds: 10 });
  return describeOperation({
    name: 'streamEvents',
    method: 'get',
    path: '/stream',
    scope: 'read',
    summary:
      'Stream every event of every transfer, as server-sent events. A client that reconnects with Last-Event-ID misses nothing, however long it was away. Without it the stream begins now.',
    query: querySchema,
    resumable: true,
    streamToken: true,
    answer: { status: 200, schema: z.string(), type: 'text/event-stream' },
    problems: ['too_much_at_once'],
    async handle(call) {
      const given = call.lastEventId ?? call.query.after;
      if (given !== undefined && !POSITION.test(given)) throw invalidParameter('Last-Event-ID', 'must be the id of an event');
      // Count this stream before the first await, so that concurrent requests see it.
      take(call.caller, call.signal);
      const position = given ?? (await feed.start(call.signal));
      // Before the answer begins, so that a position that cannot be continued gets an error status.
      const events = await feed.after(position).catch(refusePosition);
      // Proxies that buffer would delay events.
      return { kind: 'stream', chunks: follow(position, events, call), headers: { 'x-accel-buffering': 'no' } };
    },
  });

  async function* follow(from: string, first: SinkEvent[], { caller, signal, isStillAllowed }: Call<unknown, unknown>) {
    try {
      let position = from;
      let events = first;
      let checkedMs = performance.now();
      // A client that is cut off before the first event also comes back to this position.
      yield `retry: ${RECONNECT_MS}\nid: ${position}\n\n`;
      while (!signal.aborted) {
        position = events.at(-1)?.id ?? position;
        const seen = events.filter(({ account }) => reaches(caller, account));
        if (seen.length > 0) yield seen.map(blockOf).join('');
        if (performance.now() - checkedMs >= HEARTBEAT_MS) {
          checkedMs = performance.now();
          if (!(await unlessAway(isStillAllowed, true))) return;
          // The id also moves past events of accounts that the caller does not reach.
          yield `:\nid: ${position}\n\n`;
        }
        events = await unlessAway(() => nextEvents(feed, position, signal), []);
      }
    } catch (error) {
      // The ledger was restored. The client notices this when it reconnects.
      if (!(error instanceof AheadOfLedger)) throw error;
    }
  }
}

async function nextEvents(feed: EventFeed, position: string, signal: AbortSignal): Promise<SinkEvent[]> {
  await feed.more(position, signal);
  return signal.aborted ? [] : feed.after(position);
}

/** A short outage of the ledger does not end the stream, because browsers do not reconnect after an error. */
async function unlessAway<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!couldNotAskLedger(error)) throw error;
    return otherwise;
  }
}

function blockOf(event: SinkEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

function refusePosition(error: unknown): never {
  if (!(error instanceof AheadOfLedger)) throw error;
  throw invalidParameter(
    'Last-Event-ID',
    `${error.message}. If this ledger sent it, the ledger was restored from a backup since: read the transfers again`,
  );
}
