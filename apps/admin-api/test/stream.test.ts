import { createLogger, type Database, openPostgres } from '@kpay/runtime';
import { eventually, startPostgres } from '@kpay/testkit';
import { acceptTransfer, createLedger, type Ledger, type LedgerSchema, migrateLedger } from '@kpay/transfers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { adminToken, type RunningApi, startApi } from './running-api.ts';

const server = await startPostgres();
const EVENTS = 1_000;
const logger = createLogger({ name: 'test', level: 'silent' });

/** A reader of the stream, with everything that it received. */
interface Reader {
  /** The ids of the events, in the order in which they arrived. */
  ids: string[];
  transferIds: string[];
  text(): string;
  /** Whether the server ended the answer. */
  ended: Promise<void>;
  leave(): void;
}

describe.skipIf('unavailable' in server)(`the stream${'unavailable' in server ? ` (${server.unavailable})` : ''}`, () => {
  if ('unavailable' in server) return;
  let api: RunningApi;
  let ledger: Ledger;
  let database: Database;
  const query = (text: string) => database.pool.query(text);
  const readers: Reader[] = [];
  beforeAll(async () => {
    database = await openPostgres({ url: server.url, logger });
    const db = database.kysely<LedgerSchema>();
    await migrateLedger(db);
    ledger = createLedger(db);
    api = await startApi({ ledger, empty: async () => {}, stop: database.close, remove: () => {} });
  }, 60_000);
  beforeEach(async () => {
    await query('truncate kpay.transfer_events, kpay.attempts, kpay.transfers, kpay.api_keys');
  });
  afterAll(async () => {
    for (const reader of readers) reader.leave();
    await api.close();
    await server.stop();
  });

  async function read(headers: Record<string, string> = {}, query = '', token: string = adminToken): Promise<Reader> {
    const leave = new AbortController();
    const answer = await fetch(`${api.url}/v1/stream${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: leave.signal,
    });
    expect(answer.status).toBe(200);
    let text = '';
    const reader: Reader = { ids: [], transferIds: [], text: () => text, ended: follow(), leave: () => leave.abort() };
    async function follow() {
      let rest = '';
      try {
        for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += chunk;
          const blocks = (rest + chunk).split('\n\n');
          rest = blocks.pop() ?? '';
          for (const block of blocks) {
            const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? [];
            if (id === undefined || data === undefined) continue;
            reader.ids.push(id);
            reader.transferIds.push(JSON.parse(data).transferId);
          }
        }
      } catch (error) {
        if (!leave.signal.aborted) throw error;
      }
    }
    readers.push(reader);
    await eventually(() => expect(text).toMatch(/^retry: \d+\nid: \d+\n\n/));
    return reader;
  }

  const accept = async (externalId: string) => {
    const body = { externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
    return (await acceptTransfer(ledger, new Set(['default']), { account: 'default', owner: 'test', body })).transfer;
  };
  const eventIds = async () =>
    (await ledger.db.selectFrom('kpay.transfer_events').select('id').orderBy('id').execute()).map(({ id }) => id);

  it('skips nothing while one transaction stays open and 1,000 commit, in order', {
    timeout: 120_000,
  }, async () => {
    const first = await accept('first');
    const reader = await read({}, '?after=0');
    await eventually(() => expect(reader.ids).toHaveLength(1));
    // The server ends streams that stand still or send nothing for this long.
    const patient = await openPostgres({ url: server.url, logger, statementTimeoutMs: 600_000 });
    const late = await patient.pool.connect();
    await late.query('set idle_in_transaction_session_timeout = 0');
    await late.query('begin');
    await late.query(`update kpay.transfers set updated_at = now() where id = '${first.id}'`);
    await late.query(
      `insert into kpay.transfer_events (transfer_id, version, type, to_state, actor, at)
       values ('${first.id}', 99, 'late', 'queued', 'test', now())`,
    );
    // Each in its own transaction, eight at a time.
    let n = 0;
    const acceptOn = async () => {
      while (n < EVENTS) await accept(`order-${n++}`);
    };
    await Promise.all(Array.from({ length: 8 }, acceptOn));
    // A client that reconnects now continues where the first one is.
    const back = await read({ 'last-event-id': String(reader.ids[0]) });
    expect([reader.ids.length, back.ids.length]).toEqual([1, 0]);
    await late.query('commit');
    late.release();
    await patient.close();
    const expected = await eventIds();
    expect(expected).toHaveLength(EVENTS + 2);
    await eventually(() => expect([reader.ids.length, back.ids.length]).toEqual([EVENTS + 2, EVENTS + 1]), {
      timeoutMs: 20_000,
    });
    expect(reader.ids).toEqual(expected);
    expect(back.ids).toEqual(expected.slice(1));
    reader.leave();
    back.leave();
  });

  it('goes on after the last event that was seen, and begins now without one', async () => {
    const earlier = [await accept('a'), await accept('b')];
    const now = await read();
    const later = [await accept('c'), await accept('d')];
    await eventually(() => expect(now.transferIds).toEqual(later.map(({ id }) => id)));
    now.leave();
    const back = await read({ 'last-event-id': String(now.ids[0]) });
    await eventually(() => expect(back.transferIds).toEqual([later[1]?.id]));
    back.leave();
    const all = await read({}, '?after=0');
    await eventually(() => expect(all.transferIds).toEqual([...earlier, ...later].map(({ id }) => id)));
    all.leave();
  });

  it('refuses a position that is none, or that this ledger has not come to', async () => {
    for (const [id, why] of [
      ['x', 'must be the id of an event'],
      [
        '999999999',
        /^Last-Event-ID: there is no event 999999999: the last one is \d+\. If this ledger sent it, .* restored from a backup/,
      ],
    ] as const) {
      const answer = await api.ask('/v1/stream', { headers: { 'last-event-id': id } });
      expect(answer).toMatchObject({ status: 400, body: { parameter: 'Last-Event-ID' } });
      expect(answer.body.detail).toMatch(why);
    }
  });

  it('keeps little in memory of what a slow reader has not read', { timeout: 60_000 }, async () => {
    const transfer = await accept('big');
    await query(
      `insert into kpay.transfer_events (transfer_id, version, type, to_state, actor, at, reason)
       select '${transfer.id}', n, 'filler', 'queued', 'test', now(), repeat('x', 10000) from generate_series(2, 5001) n`,
    );
    const leave = new AbortController();
    const answer = await fetch(`${api.url}/v1/stream?after=0`, {
      headers: { authorization: `Bearer ${adminToken}` },
      signal: leave.signal,
    });
    const body = answer.body?.getReader();
    await body?.read();
    const beforeMb = process.memoryUsage().rss / 1e6;
    // 50 MB are ready. Others are served meanwhile, so the process does not wait for this reader.
    for (let n = 0; n < 20; n += 1) await api.ask('/v1/transfers');
    expect(process.memoryUsage().rss / 1e6 - beforeMb).toBeLessThan(30);
    leave.abort();
  });

  it('gives signs of life, and is over when the key was revoked', async () => {
    const wanted = { name: 'till', owner: 'till', scopes: ['read'] };
    const { body: key } = await api.ask('/v1/api-keys', { body: wanted });
    const reader = await read({}, '', String(key.key));
    const now = performance.now.bind(performance);
    let passedMs = 15_001;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    try {
      await eventually(() => expect(reader.text()).toMatch(/\n\n:\nid: \d+\n\n$/));
      await api.ask(`/v1/api-keys/${String(key.id)}`, { method: 'DELETE' });
      passedMs *= 2;
      await reader.ended;
    } finally {
      clock.mockRestore();
    }
  });

  it('is over as soon as the process is about to end', async () => {
    const other = await startApi({ ledger, empty: async () => {}, stop: async () => {}, remove: () => {} });
    const answer = await fetch(`${other.url}/v1/stream`, { headers: { authorization: `Bearer ${adminToken}` } });
    // If the limit of 3 s cut it off, this would throw.
    const text = answer.text();
    await other.close();
    expect(await text).toMatch(/^retry/);
  });
});
