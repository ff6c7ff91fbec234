import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const create = (body: unknown, headers: Record<string, string> = {}) =>
  api.ask('/v1/transfers', { method: 'POST', body, headers });
const recorded = async () => (await api.ledger.db.selectFrom('kpay.transfers').selectAll().execute()).length;
const itemsOf = (answer: Answer) => answer.body.items as Record<string, unknown>[];

describe('POST /v1/transfers', () => {
  it('answers 202 with the transfer and its place once recorded, and tells workers', async () => {
    const { status, headers, body } = await create({ ...request, amount: '50000.00' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ state: 'queued', account: 'default', amount: '50000', currency: 'XAF', moneyMoved: 'no' });
    const { pathname } = new URL(String(headers.get('location')), `${api.url}/v1/transfers`);
    expect(pathname).toBe(`/v1/transfers/${body.id}`);
    expect(headers.get('idempotency-replayed')).toBeNull();
    expect(await recorded()).toBe(1);
    await eventually(() => expect(api.notified.map(({ id }) => id)).toEqual([body.id]));
    expect((await api.ask(pathname)).body).toEqual(body);
  });

  it('accepts all the same when the workers cannot be told, and says so in the log', async () => {
    api.setNotifyWorkers(async () => {
      throw new Error('the queue is away');
    });
    expect((await create(request)).status).toBe(202);
    await eventually(() => expect(api.logged()).toContain('the queue is away'));
  });

  it('does not wait for a queue that hangs', async () => {
    api.setNotifyWorkers(() => new Promise(() => {}));
    expect((await create(request)).status).toBe(202);
  });

  it.each([50_000, '50000', '50000.00'])(
    'takes amount %j for the same request: the first transfer is answered',
    async (amount) => {
      const first = await create(request);
      const again = await create({ ...request, amount });
      expect(again.status).toBe(202);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.body.id).toBe(first.body.id);
      expect(await recorded()).toBe(1);
    },
  );

  it('knows a transfer by an Idempotency-Key alone', async () => {
    const { externalId: _, ...body } = request;
    const first = await create(body, { 'idempotency-key': 'key-1' });
    const again = await create(body, { 'idempotency-key': 'key-1' });
    expect(first.body.externalId).toBeNull();
    expect(again.body.id).toBe(first.body.id);
    const other = await create(body, { 'idempotency-key': 'key-2' });
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('makes one transfer of 50 requests at once with one key', async () => {
    const { externalId: _, ...body } = request;
    const answers = await Promise.all(Array.from({ length: 50 }, () => create(body, { 'idempotency-key': 'key-1' })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 202));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await recorded()).toBe(1);
  });

  it('refuses the same id or key for something else with 422', async () => {
    await create(request, { 'idempotency-key': 'key-1' });
    for (const answer of [
      await create({ ...request, amount: 60_000 }),
      await create({ ...request, externalId: 'order-2' }, { 'idempotency-key': 'key-1' }),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.body).toMatchObject({ code: 'idempotency_conflict', safeToRetry: false, moneyMoved: 'no' });
    }
    expect(await recorded()).toBe(1);
  });

  it('refuses a transfer without externalId and Idempotency-Key', async () => {
    const { externalId: _, ...body } = request;
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'idempotency_required', pointer: '/externalId' });
    expect(await recorded()).toBe(0);
  });
});

describe('a body that cannot be right is refused with 400, names the field and leaves nothing behind', () => {
  it.each([
    ['/amount', { ...request, amount: 0 }],
    ['/amount', { ...request, amount: -50_000 }],
    ['/amount', { ...request, amount: 'NaN' }],
    ['/amount', { ...request, amount: Number.NaN }],
    ['/amount', JSON.stringify(request).replace('50000', '1e309')],
    ['/amount', { ...request, amount: '1e309' }],
    ['/amount', { ...request, amount: 50_000.5 }],
    ['/amount', { ...request, amount: '50000.5' }],
    ['/amount', { ...request, amount: 99 }],
    ['/amount', { ...request, amount: 10_000_001 }],
    ['/amount', { ...request, amount: undefined }],
    ['/sourceCountry', { ...request, sourceCountry: 'FRA' }],
    ['/destinationCountry', { ...request, destinationCountry: 'XXX' }],
    ['/destinationCountry', { ...request, destinationCountry: 'CMR' }],
    ['/sourceCountry', { ...request, sourceCountry: 'COD' }],
    ['/destinationCountry', { ...request, destinationCountry: 'COD' }],
    ['/externalId', { ...request, externalId: '' }],
    ['/externalId', { ...request, externalId: 7 }],
    ['/account', { ...request, account: 'nobody' }],
    ['/account', { ...request, account: 'No Body' }],
    ['/account', { ...request, account: null }],
    ['/minrate', { ...request, minrate: 1 }],
    ['/a~1b~0c.d', { ...request, 'a/b~c.d': 1 }],
    ['/metadata/team.x', { ...request, metadata: { 'team.x': 7 } }],
    ['', '[]'],
  ])('%s: %j', async (pointer, body) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', pointer, safeToRetry: false, moneyMoved: 'no' });
    expect(answer.body.detail).toContain(pointer === '' ? 'body' : (pointer.split('/')[1]?.split('~')[0] ?? ''));
    expect(await recorded()).toBe(0);
  });

  it.each(['', 'a b', 'x'.repeat(256), 'one, two'])('Idempotency-Key: %j', async (key) => {
    const answer = await create(request, { 'idempotency-key': key });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', parameter: 'Idempotency-Key' });
    expect(await recorded()).toBe(0);
  });
});

describe('GET /v1/transfers', () => {
  const createSeven = async () => {
    const ids: unknown[] = [];
    for (let n = 1; n <= 7; n += 1) ids.unshift((await create({ ...request, externalId: `order-${n}` })).body.id);
    return ids;
  };

  it('pages through all of them, the newest first, each once', async () => {
    const ids = await createSeven();
    const seen: unknown[] = [];
    let cursor: unknown = '';
    for (const size of [3, 3, 1]) {
      const page = await api.ask(`/v1/transfers?limit=3&account=default${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(itemsOf(page)).toHaveLength(size);
      seen.push(...itemsOf(page).map(({ id }) => id));
      cursor = page.body.nextCursor;
    }
    expect(cursor).toBeNull();
    expect(new Set(seen)).toEqual(new Set(ids));
    expect((await api.ask('/v1/transfers?limit=7')).body.nextCursor).toBeNull();
  });

  it('filters by account, state and externalId', async () => {
    await createSeven();
    expect(itemsOf(await api.ask('/v1/transfers?externalId=order-3'))).toMatchObject([{ externalId: 'order-3' }]);
    expect(itemsOf(await api.ask('/v1/transfers?state=queued'))).toHaveLength(7);
    expect(itemsOf(await api.ask('/v1/transfers?state=succeeded'))).toEqual([]);
    expect(itemsOf(await api.ask('/v1/transfers?account=other'))).toEqual([]);
  });

  it('refuses a cursor with another filter than the one it was made for', async () => {
    await createSeven();
    const { nextCursor } = (await api.ask('/v1/transfers?limit=3')).body;
    const answer = await api.ask(`/v1/transfers?state=queued&cursor=${nextCursor}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', parameter: 'cursor' });
  });

  it.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=201'],
    ['limit', 'limit=ten'],
    ['limit', 'limit=1&limit=2'],
    ['state', 'state=lost'],
    ['account', 'account=A%00'],
    ['cursor', 'cursor=nonsense'],
    ['cursor', `cursor=${Buffer.from('["2026-01-01T00:00:00Z","x","y"]').toString('base64url')}`],
    ['externalid', 'externalid=order-1'],
  ])('refuses a wrong %s: %s', async (parameter, query) => {
    const answer = await api.ask(`/v1/transfers?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', parameter });
  });
});

describe('GET /v1/transfers/{id}', () => {
  it('shows what happened to it', async () => {
    const { id } = (await create(request)).body;
    const events = await api.ask(`/v1/transfers/${id}/events`);
    expect(itemsOf(events)).toMatchObject([{ version: 1, type: 'accepted', from: null, to: 'queued', actor: 'admin' }]);
  });

  it.each(['nothing', '00000000-0000-4000-8000-000000000000', "'; drop table kpay.transfers", '%00'])(
    'answers 404 for an unknown id: %s',
    async (id) => {
      for (const path of [`/v1/transfers/${encodeURI(id)}`, `/v1/transfers/${encodeURI(id)}/events`]) {
        const answer = await api.ask(path);
        expect(answer.status).toBe(404);
        expect(answer.body.code).toBe('not_found');
      }
    },
  );
});
