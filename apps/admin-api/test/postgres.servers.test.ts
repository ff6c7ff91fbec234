import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { createLogger, type Database, openPostgres } from '@kpay/runtime';
import { createTcpProxy, eventually, keepLog, startPostgres, type TcpProxy } from '@kpay/testkit';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '@kpay/transfers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminToken, type RunningApi, startApi } from './running-api.ts';

const server = await startPostgres();
const LINES = 20;
const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

describe.skipIf('unavailable' in server)(`on Postgres${'unavailable' in server ? ` (${server.unavailable})` : ''}`, () => {
  if ('unavailable' in server) return;
  let api: RunningApi;
  let network: TcpProxy;
  let database: Database;
  /** Reads of the ledger. */
  let reads = 0;
  beforeAll(async () => {
    network = await createTcpProxy({ target: { host: '127.0.0.1', port: server.port } });
    const url = server.url.replace(`:${server.port}/`, `:${network.port}/`);
    database = await openPostgres({ url, logger: createLogger({ name: 'test', destination: keepLog('postgres') }) });
    const db = database.kysely<LedgerSchema>();
    await migrateLedger(db);
    const ledger = createLedger(db);
    const counted: Ledger = {
      ...ledger,
      get db() {
        reads += 1;
        return ledger.db;
      },
    };
    api = await startApi({ ledger: counted, empty: async () => {}, stop: () => database.close(), remove: () => {} });
  }, 60_000);
  afterAll(async () => {
    await api.close();
    await network.close();
    await server.stop();
  });

  it('makes one transfer of 200 requests at once, whichever connections they take', async () => {
    const { externalId: _, ...body } = request;
    const once = { body, headers: { 'idempotency-key': 'key-1' } };
    const answers = await Promise.all(Array.from({ length: 200 }, () => api.ask('/v1/transfers', once)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
  });

  it('lets no two transfers of a key, made at once, pass its limit together', async () => {
    const spendLimits = [{ currency: 'XAF', amount: 500_000, hours: 1 }];
    const made = await api.ask('/v1/api-keys', {
      body: { name: 'till', owner: 'till', scopes: ['transfers:create'], spendLimits },
    });
    const orders = Array.from({ length: 40 }, (_, n) => ({ ...request, externalId: `limited-${n}` }));
    const answers = await Promise.all(orders.map((body) => api.ask('/v1/transfers', { body, token: String(made.body.key) })));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(30);
  });

  it('makes each transfer once when batches share theirs in another order, all or none', async () => {
    const order = (n: number) => JSON.stringify({ ...request, externalId: `batch-${n}` });
    const lines = Array.from({ length: LINES }, (_, n) => order(n));
    const send = (text: string) =>
      api.ask('/v1/transfers/batch?atomic=true', { body: text, headers: { 'content-type': 'application/x-ndjson' } });
    const answers = await Promise.all([send(lines.join('\n')), send(lines.toReversed().join('\n'))]);
    const accepted = answers.map(({ status, body }) => (status === 200 ? body.accepted : status));
    // The later one waits for the first, and gets an error when that takes longer than the limit for locks.
    expect([LINES, 0, 503]).toEqual(expect.arrayContaining(accepted));
    expect(accepted.filter((count) => count === LINES)).toHaveLength(1);
    const again = await send(lines.join('\n'));
    expect(again.body).toMatchObject({ accepted: 0, replayed: LINES, refused: 0 });
  });

  it('reads an export page by page, and no further than whoever asked has read it', async () => {
    const rows = 8_000;
    // 4 kB each, so that the sockets between client and server cannot hold all of it.
    await database.pool.query(
      `insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country, destination_country,
        amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, due_at, metadata, created_at, updated_at)
      select gen_random_uuid(), 'default', 'exported-' || n, 'admin', md5(n::text), gen_random_uuid(), 'COG', 'BEN', 50000, 'XAF', 'XOF',
        'hold', 5, 'queued', now(), jsonb_build_object('note', repeat('x', 4000)), now() - n * interval '1 second', now()
      from generate_series(1, $1::int) n`,
      [rows],
    );
    const pages = rows / 500;
    reads = 0;
    const headers = { authorization: `Bearer ${adminToken}` };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${api.url}/v1/transfers.csv?account=default&corridor=COG-BEN`, { headers }, resolve).on('error', reject);
    });
    // The client does not read. The server reads from the ledger until the sockets are full, and then stops.
    let before = -1;
    await eventually(
      () => {
        const now = reads;
        const stands = now > 1 && now === before;
        before = now;
        expect(stands).toBe(true);
      },
      { everyMs: 1_000, timeoutMs: 60_000 },
    );
    process.stdout.write(`${reads} of ${pages} pages were read for one who reads nothing\n`);
    expect(reads).toBeLessThan(pages - 2);
    const whole = await text(answer);
    expect(reads).toBeGreaterThanOrEqual(pages);
    expect(new Set(whole.match(/exported-\d+/g)).size).toBe(rows);
  }, 120_000);

  it('says within seconds that it is not ready on a silent network, then 503', async () => {
    network.pause();
    const underWay = api.ask('/v1/transfers', { body: { ...request, externalId: 'order-2' } });
    const ready = await api.ask('/readyz');
    expect([ready.status, ready.text]).toEqual([503, 'ledger: no answer within 2000 ms\n']);
    network.refuse();
    const { status, body } = await underWay;
    expect([status, body.code, body.moneyMoved]).toEqual([503, 'ledger_unavailable', 'unknown']);
    network.resume();
    expect((await api.ask('/readyz')).status).toBe(200);
    expect((await api.ask('/v1/transfers', { body: { ...request, externalId: 'order-2' } })).status).toBe(202);
  });

  it('answers a POST within 15 s on a dead network, and takes its repeat afterwards', {
    timeout: 60_000,
  }, async () => {
    const startedMs = performance.now();
    network.drop();
    const { status, body } = await api.ask('/v1/transfers', { body: { ...request, externalId: 'order-3' } });
    const tookMs = performance.now() - startedMs;
    process.stdout.write(`a POST on a silent Postgres was answered after ${(tookMs / 1_000).toFixed(1)} s\n`);
    expect([status, body.code, body.safeToRetry]).toEqual([503, 'ledger_unavailable', true]);
    expect(tookMs).toBeLessThan(15_000);
    network.resume();
    expect((await api.ask('/v1/transfers', { body: { ...request, externalId: 'order-3' } })).status).toBe(202);
  });

  it('says 503 and is not ready while the server takes no writes, then recovers', async () => {
    // Postgres allows ALTER SYSTEM even when it allows no writes.
    const admin = await database.pool.connect();
    const setReadOnly = async (value: 'on' | 'off') => {
      await admin.query(`alter system set default_transaction_read_only = ${value}`);
      await admin.query('select pg_reload_conf()');
    };
    await setReadOnly('on');
    const order = { body: { ...request, externalId: 'order-4' } };
    await eventually(async () => expect((await api.ask('/readyz')).status).toBe(503));
    const refused = await api.ask('/v1/transfers', order);
    expect([refused.status, refused.body.code]).toEqual([503, 'ledger_unavailable']);
    expect(refused.headers.get('retry-after')).toBe('5');
    await setReadOnly('off');
    admin.release();
    await eventually(async () => expect((await api.ask('/v1/transfers', order)).status).toBe(202), { timeoutMs: 5_000 });
    expect((await api.ask('/readyz')).status).toBe(200);
  });

  it('says 503 once the server is gone, on open connections and on new ones', async () => {
    await server.kill();
    // Its processes for open connections end a moment after it.
    await eventually(async () => expect((await api.ask('/readyz')).status).toBe(503));
    for (let n = 0; n < 20; n += 1) {
      const answer = await api.ask('/v1/transfers', { body: { ...request, externalId: `order-${n}` } });
      expect(answer.status).toBe(503);
      expect(answer.body).toMatchObject({ code: 'ledger_unavailable', safeToRetry: true, moneyMoved: 'unknown' });
    }
    expect((await api.ask('/readyz')).text).toBe('ledger: cannot be reached\n');
  });
});
