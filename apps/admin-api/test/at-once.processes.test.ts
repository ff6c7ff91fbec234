import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let api: RunningApi;
const sockets: Socket[] = [];
beforeAll(async () => {
  const ledger = await openTestLedger();
  api = await startApi(ledger);
  // 4 kB each, so that the sockets between client and server cannot hold all of it.
  await ledger.database.pool.query(
    `insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country, destination_country,
      amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, due_at, metadata, created_at, updated_at)
    select gen_random_uuid(), 'default', 'exported-' || n, 'admin', md5(n::text), gen_random_uuid(), 'COG', 'BEN', 50000, 'XAF', 'XOF',
      'hold', 5, 'queued', now(), jsonb_build_object('note', repeat('x', 4000)), now() - n * interval '1 second', now()
    from generate_series(1, 4000) n`,
  );
}, 60_000);
afterAll(async () => {
  leaveAll();
  await api.close();
});

function leaveAll(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
}

/** Sends a request and reads only the head of the answer. @returns its status. */
async function begin(path: string, { token = adminToken as string, head = '', method = 'GET' } = {}): Promise<number> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(`${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${head}\r\n`);
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once('data', (data) => {
    socket.pause();
    resolve(Number(data.toString().split(' ', 2)[1]));
  });
  socket.once('close', () => resolve(0));
  return promise;
}

const many = (count: number, begun: () => Promise<number>) => Promise.all(Array.from({ length: count }, begun));
const goodOf = (statuses: number[]) => statuses.filter((status) => status === 200).length;
const keyOf = async (name: string) =>
  String((await api.ask('/v1/api-keys', { body: { name, owner: name, scopes: ['read', 'transfers:create', 'keys'] } })).body.key);

function heldMb(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

it('300 unread streams and 100 exports take under 150 MB and leave others room', {
  timeout: 120_000,
}, async () => {
  const other = await keyOf('other');
  const before = heldMb();
  const [streams, exports] = await Promise.all([
    many(300, () => begin('/v1/stream')),
    many(100, () => begin('/v1/transfers.csv')),
  ]);
  expect(goodOf(streams)).toBe(50);
  expect(goodOf(exports)).toBe(4);
  expect([...streams, ...exports].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(heldMb() - before).toBeLessThan(150);
  // Another owner gets only the rest, however many keys it uses.
  const { body: child } = await api.ask('/v1/api-keys', { body: { name: 'child', scopes: ['read'] }, token: other });
  const tokens = [other, String(child.key)];
  expect(goodOf(await many(120, () => begin('/v1/stream', { token: tokens[sockets.length % 2] ?? '' })))).toBe(50);
  expect(goodOf(await many(20, () => begin('/v1/transfers.csv', { token: other })))).toBe(4);
  const refused = await api.ask('/v1/stream');
  expect(refused).toMatchObject({ status: 503, body: { code: 'too_much_at_once', safeToRetry: true } });
  expect(refused.headers.get('retry-after')).toBe('10');
  // A client that disconnects gives its place back.
  leaveAll();
  await eventually(async () => expect(goodOf(await many(1, () => begin('/v1/stream')))).toBe(1));
  await eventually(async () => expect(goodOf(await many(1, () => begin('/v1/transfers.csv')))).toBe(1));
  leaveAll();
  // A HEAD is answered at once and occupies nothing.
  for (let n = 0; n < 60; n += 1) expect((await api.ask('/v1/stream', { method: 'HEAD' })).status).toBe(200);
});

it('of bodies that come at once only so many bytes are held, in all and by owner', { timeout: 60_000 }, async () => {
  const other = await keyOf('batcher');
  const head = 'content-type: text/csv\r\ncontent-length: 5000000\r\n';
  const post = (token: string) => begin('/v1/transfers/batch', { method: 'POST', token, head });
  // Their bodies never arrive, so only refused requests are answered.
  const answered: number[] = [];
  for (let n = 0; n < 8; n += 1) void post(adminToken).then((status) => answered.push(status));
  await eventually(() => expect(answered).toEqual(Array.from({ length: 7 }, () => 503)));
  const small = { method: 'POST', body: 'externalId\nx\n', headers: { 'content-type': 'text/csv' } };
  const refused = await api.ask('/v1/transfers/batch', small);
  expect(refused).toMatchObject({ status: 503, body: { code: 'too_much_at_once', moneyMoved: 'no' } });
  expect(refused.headers.get('retry-after')).toBe('2');
  expect((await api.ask('/v1/transfers/batch', { ...small, token: other })).status).toBe(200);
  expect((await api.ask('/v1/transfers', { body: {} })).status).toBe(400);
  leaveAll();
  await eventually(async () => expect((await api.ask('/v1/transfers/batch', small)).status).toBe(200));
});
