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
/** A sign of life for proxies, and the moment to see whether the key is still good. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;

const POSITION = /^\d{1,18}$/;
const querySchema = z.strictObject({
  after: z
    .string()
    .regex(POSITION, 'must be the id of an event')
    .optional()
    .describe('Where to begin, for a client that cannot set Last-Event-ID at first; 0 is the beginning of the ledger.'),
  // Judged before anything else is looked at.
  token: z.string().optional().describe('A stream token, in the place of the header Authorization.'),
});

/** What happens to transfers, as it happens. A position is an id of the ledger, so any process can go on with it. */
export function streamEvents({ ledger }: { ledger: Ledger }): Operation {
  const feed = createEventFeed(ledger);
  const take = createPlaces({ of: 'streams', most: MAX_STREAMS, mostByCaller: MAX_BY_CALLER, retryAfterSeconds: 10 });
  return describeOperation({
    name: 'streamEvents',
    method: 'get',
    path: '/stream',
    scope: 'read',
    summary:
      'Everything that happens to transfers, as server-sent events. Who comes back with Last-Event-ID misses nothing, however long it was away; without it the stream begins now.',
    query: querySchema,
    resumable: true,
    streamToken: true,
    answer: { status: 200, schema: z.string(), type: 'text/event-stream' },
    problems: ['too_much_at_once'],
    async handle(call) {
      const given = call.lastEventId ?? call.query.after;
      if (given !== undefined && !POSITION.test(given)) throw invalidParameter('Last-Event-ID', 'must be the id of an event');
      // Before anything is waited for: those that come meanwhile find this one counted.
      take(call.caller, call.signal);
      const position = given ?? (await feed.start(call.signal));
      // Before anything is answered: what cannot be gone on with is told by a status.
      const events = await feed.after(position).catch(refusePosition);
      // Proxies that buffer would keep events back.
      return { chunks: follow(position, events, call), headers: { 'x-accel-buffering': 'no' } };
    },
  });

  async function* follow(from: string, first: SinkEvent[], { caller, signal, isStillAllowed }: Call<unknown, unknown>) {
    try {
      let position = from;
      let events = first;
      let checkedMs = performance.now();
      // A client that is cut off before the first event comes back to here, too.
      yield `retry: ${RECONNECT_MS}\nid: ${position}\n\n`;
      while (!signal.aborted) {
        position = events.at(-1)?.id ?? position;
        const seen = events.filter(({ account }) => reaches(caller, account));
        if (seen.length > 0) yield seen.map(blockOf).join('');
        if (performance.now() - checkedMs >= HEARTBEAT_MS) {
          checkedMs = performance.now();
          if (!(await unlessAway(isStillAllowed, true))) return;
          // Past the events of accounts that the caller does not reach, too.
          yield `:\nid: ${position}\n\n`;
        }
        events = await unlessAway(() => nextEvents(feed, position, signal), []);
      }
    } catch (error) {
      // Restored meanwhile: the client learns it when it comes back.
      if (!(error instanceof AheadOfLedger)) throw error;
    }
  }
}

async function nextEvents(feed: EventFeed, position: string, signal: AbortSignal): Promise<SinkEvent[]> {
  await feed.more(position, signal);
  return signal.aborted ? [] : feed.after(position);
}

/** A ledger that is away for a while is no reason to end: browsers do not come back after an error. */
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
