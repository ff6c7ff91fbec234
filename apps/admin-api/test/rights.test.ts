import { openQueues, type Queues } from '@kpay/runtime';
import { createMaintenance } from '@kpay/transfers/operations';
import { definePlugin } from '@kpay/transfers/plugin';
import { createFileEpochWitness } from '@kpay/transfers/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scopes } from '../src/auth/scopes.ts';
import { openBoardQueues } from '../src/index.ts';
import { type Answer, type RunningApi, startApi } from './running-api.ts';
import { logger, openTestLedger } from './test-ledger.ts';

/** Occurs in everything that belongs to the account `default` or to another owner. */
const HUSHED = 'hushed';
const unknownId = '00000000-0000-4000-8000-000000000000';

const acme = definePlugin({
  name: 'acme',
  routes: [
    { name: 'all', method: 'get', path: '/all', summary: 'Minds no accounts.', handle: () => HUSHED },
    {
      name: 'some',
      method: 'get',
      path: '/some',
      summary: 'Minds accounts.',
      byAccount: true,
      handle: ({ accounts }) => ({ accounts, ...(accounts?.includes('default') !== false && { secret: HUSHED }) }),
    },
  ],
});

let api: RunningApi;
let queues: Queues;
let count = 0;
const keys = new Map<Kind, string>();

/** Each has an owner of its own, who created nothing that the rows are about. */
const kinds = {
  all: { scopes },
  right: { scopes, accounts: ['default'] },
  noRead: { scopes: scopes.filter((scope) => scope !== 'read'), accounts: ['default'] },
  other: { scopes, accounts: ['other'] },
} as const;
type Kind = keyof typeof kinds;

beforeAll(async () => {
  const opened = await openTestLedger();
  const { ledger, database, folder } = opened;
  queues = await openQueues({ store: { kind: 'embedded', database }, logger });
  const stop = async () => {
    await queues.close();
    await opened.stop();
  };
  const epochWitness = createFileEpochWitness(`${folder}/epoch`);
  const accounts = ['default', 'other'];
  const more = {
    queues: openBoardQueues(accounts, queues.queue),
    maintenance: createMaintenance({ ledger, epochWitness, accounts, openQueue: queues.queue }),
  };
  api = await startApi({ ...opened, stop }, [acme], more, ['other']);
  for (const [kind, wanted] of Object.entries(kinds)) {
    const { body } = await api.ask('/v1/api-keys', { body: { name: kind, owner: 'service', ...wanted } });
    keys.set(kind as Kind, String(body.key));
  }
}, 60_000);
afterAll(() => api.close());

const request = (account = 'default') => {
  count += 1;
  const externalId = `${account === 'other' ? 'open' : HUSHED}-${count}`;
  return { account, externalId, description: externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
};
const idOf = async (path: string, body: object) => String((await api.ask(path, { body })).body.id);
const aTransfer = () => idOf('/v1/transfers', request());
const aPause = (scope: object = { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' }) =>
  idOf('/v1/pauses', { ...scope, reason: HUSHED });
const aKey = () => idOf('/v1/api-keys', { name: HUSHED, owner: HUSHED, scopes: ['read'] });

interface Row {
  route: string;
  /** The request, for the account `default` or for one that does not exist. */
  of?(account: string): { query?: string; body?: unknown; headers?: Record<string, string> };
  /** Creates the object that the path names. */
  id?(): Promise<string>;
  /** The status for each kind of caller. */
  expected: Record<Kind, number>;
}
const of = (all: number, right: number, noRead: number, other: number) => ({ all, right, noRead, other });
const inQuery = (more = '') => ({ of: (account: string) => ({ query: `?account=${account}${more}` }) });
const inBody = (body: object) => ({ of: (account: string) => ({ body: { account, ...body } }) });
const ndjson = { 'content-type': 'application/x-ndjson' };

const rows: Row[] = [
  { route: 'POST /v1/transfers', of: (account) => ({ body: { ...request(), account } }), expected: of(202, 202, 202, 400) },
  {
    route: 'POST /v1/transfers',
    of: (account) => ({ query: '?dryRun=true', body: { ...request(), account } }),
    expected: of(200, 200, 403, 400),
  },
  {
    route: 'POST /v1/transfers/dry-run',
    of: (account) => ({ body: { ...request(), account } }),
    expected: of(200, 200, 403, 400),
  },
  {
    route: 'POST /v1/transfers/batch',
    of: (account) => ({ query: '?atomic=true', body: JSON.stringify({ ...request(), account }), headers: ndjson }),
    expected: of(200, 200, 200, 422),
  },
  {
    route: 'POST /v1/transfers/batch',
    of: (account) => ({ body: JSON.stringify({ ...request(), account }), headers: ndjson }),
    expected: of(200, 200, 200, 200),
  },
  { route: 'GET /v1/transfers', expected: of(200, 200, 403, 200) },
  { route: 'GET /v1/transfers', ...inQuery(), expected: of(200, 200, 403, 200) },
  { route: 'GET /v1/transfers.csv', expected: of(200, 200, 403, 200) },
  { route: 'GET /v1/transfers.csv', ...inQuery(), expected: of(200, 200, 403, 200) },
  { route: 'GET /v1/transfers/:id', id: aTransfer, expected: of(200, 200, 403, 404) },
  { route: 'GET /v1/transfers/:id/events', id: aTransfer, expected: of(200, 200, 403, 404) },
  { route: 'GET /v1/transfers/:id/evidence', id: aTransfer, expected: of(200, 200, 403, 404) },
  { route: 'POST /v1/transfers/:id/cancel', id: aTransfer, of: () => ({ body: {} }), expected: of(200, 200, 404, 404) },
  {
    route: 'POST /v1/transfers/:id/cancel',
    id: aTransfer,
    of: () => ({ body: {}, headers: { 'if-match': '"7"' } }),
    expected: of(412, 412, 404, 404),
  },
  {
    route: 'POST /v1/transfers/:id/resolve',
    id: aTransfer,
    of: () => ({ body: { verdict: 'happened', reason: 'seen' } }),
    expected: of(409, 409, 404, 404),
  },
  {
    route: 'POST /v1/transfers/:id/replay',
    id: aTransfer,
    of: () => ({ body: { externalId: 'again' } }),
    expected: of(409, 409, 404, 404),
  },
  {
    route: 'POST /v1/quotes',
    ...inBody({ sourceCountry: 'CMR', destinationCountry: 'KEN' }),
    expected: of(201, 201, 201, 400),
  },
  { route: 'POST /v1/providers/predict', ...inBody({ phoneNumber: '237653456789' }), expected: of(200, 200, 403, 400) },
  { route: 'GET /v1/pauses', expected: of(200, 200, 403, 200) },
  { route: 'POST /v1/pauses', ...inBody({ scope: 'account', reason: 'x' }), expected: of(201, 201, 201, 400) },
  {
    route: 'POST /v1/pauses',
    ...inBody({ scope: 'corridor', corridor: 'CMR-SEN', reason: 'x' }),
    expected: of(201, 201, 201, 400),
  },
  { route: 'POST /v1/pauses', of: () => ({ body: { scope: 'all', reason: 'x' } }), expected: of(201, 403, 403, 403) },
  { route: 'DELETE /v1/pauses/:id', id: aPause, expected: of(200, 200, 404, 404) },
  { route: 'DELETE /v1/pauses/:id', id: () => aPause({ scope: 'all' }), expected: of(200, 403, 404, 403) },
  { route: 'GET /v1/balances', ...inQuery(), expected: of(200, 200, 403, 400) },
  { route: 'GET /v1/availability', ...inQuery(), expected: of(200, 200, 403, 400) },
  { route: 'GET /v1/rates', ...inQuery('&from=XAF&to=KES'), expected: of(200, 200, 403, 400) },
  { route: 'GET /v1/accounts', expected: of(200, 200, 403, 200) },
  { route: 'GET /v1/status', expected: of(200, 200, 403, 200) },
  { route: 'POST /v1/stream-tokens', expected: of(201, 201, 403, 201) },
  { route: 'GET /v1/api-keys', expected: of(200, 200, 200, 200) },
  {
    route: 'POST /v1/api-keys',
    of: (account) => ({ body: { name: 'a', scopes: ['keys'], accounts: [account] } }),
    expected: of(201, 201, 201, 403),
  },
  { route: 'POST /v1/api-keys', of: () => ({ body: { name: 'a', scopes: ['read'] } }), expected: of(201, 201, 403, 201) },
  { route: 'DELETE /v1/api-keys/:id', id: aKey, expected: of(404, 404, 404, 404) },
  { route: 'POST /v1/maintenance/finish-restore', of: () => ({ body: {} }), expected: of(200, 403, 403, 403) },
  {
    route: 'POST /v1/maintenance/settle-reviews',
    of: (account) => ({ body: { account, verdict: 'happened', reason: 'seen', reasonCode: 'none' } }),
    expected: of(200, 403, 403, 403),
  },
  { route: 'POST /v1/maintenance/rebuild-queue', of: () => ({ body: {} }), expected: of(200, 403, 403, 403) },
  { route: 'GET /v1/plugins/acme/all', expected: of(200, 403, 403, 403) },
  { route: 'GET /v1/plugins/acme/some', expected: of(200, 200, 403, 200) },
];

async function ask({ route, of: wanted, id }: Row, kind: Kind, account = 'default', unknown = false): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ');
  const { query = '', ...more } = wanted?.(account) ?? {};
  const filled = path.replace(':id', id && !unknown ? await id() : unknownId);
  return api.ask(filled + query, { method, token: keys.get(kind) ?? '', ...more });
}

describe('what a caller may see and do', () => {
  it('has a row for every route but the stream, and no row for a missing route', () => {
    const served = api.routes().flatMap(({ method, path }) => (path.startsWith('/v1/') ? [`${method} ${path}`] : []));
    expect(new Set(rows.map(({ route }) => route))).toEqual(new Set(served.filter((route) => route !== 'GET /v1/stream')));
  });

  it.each(rows.map((row, n) => [n, row.route, row] as const))('row %i, %s', async (_n, _route, row) => {
    await aTransfer();
    await aPause();
    await aKey();
    const got = { all: 0, right: 0, noRead: 0, other: 0 };
    for (const kind of Object.keys(kinds) as Kind[]) {
      const answer = await ask(row, kind);
      got[kind] = answer.status;
      // An answer may repeat the name that the caller sent.
      const told = answer.text.replaceAll('there is no account \\"default\\" here', '');
      if (answer.status >= 400 || kind === 'other') expect(told, kind).not.toMatch(new RegExp(`${HUSHED}|default`));
      if (row.route === 'GET /v1/api-keys') expect(told, kind).not.toContain(HUSHED);
      for (const pause of (await api.ask('/v1/pauses')).body.items as { id: string }[]) {
        if (row.route !== 'GET /v1/pauses') await api.ask(`/v1/pauses/${pause.id}`, { method: 'DELETE' });
      }
    }
    expect(got).toEqual(row.expected);
  });

  it.each(rows.map((row, n) => [n, row.route, row] as const))('row %i, %s: another’s is like none', async (_n, _route, row) => {
    const without = ({ status, body }: Answer, account: string) =>
      JSON.stringify({
        status,
        detail: body.detail,
        code: body.code,
        pointer: body.pointer,
        parameter: body.parameter,
      }).replaceAll(account, '*');
    if (row.expected.other < 400 || row.expected.other === 403) return;
    const there = await ask(row, 'other');
    const none = await ask(row, 'other', 'nowhere', true);
    expect(without(there, 'default')).toBe(without(none, 'nowhere'));
  });

  it('opens the board of queues to those alone who read all accounts', async () => {
    const board = api.routes().filter(({ path }) => path.startsWith('/queues'));
    expect(board.length).toBeGreaterThan(3);
    for (const { method, path } of board) {
      for (const kind of Object.keys(kinds) as Kind[]) {
        const { status } = await api.ask(path.replaceAll(/:\w+/g, 'x'), { method, token: keys.get(kind) ?? '' });
        if (kind === 'all') expect([401, 403], path).not.toContain(status);
        else expect([path, kind, status]).toEqual([path, kind, 403]);
      }
    }
  });

  it('streams the events of its accounts alone, and goes on behind those of others', async () => {
    const last = request('other');
    await aTransfer();
    await idOf('/v1/transfers', last);
    await aTransfer();
    const leave = new AbortController();
    const stream = (kind: Kind) =>
      fetch(`${api.url}/v1/stream?after=0`, {
        headers: { authorization: `Bearer ${keys.get(kind)}` },
        signal: leave.signal,
      });
    expect((await stream('noRead')).status).toBe(403);
    const reader = (await stream('other')).body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes(last.externalId)) text += (await reader?.read())?.value ?? '';
    leave.abort();
    expect(text).not.toMatch(new RegExp(`${HUSHED}|default`));
  });
});

describe('without the scope read', () => {
  it("tells a caller nothing of another owner's externalId, and replays its own", async () => {
    const token = keys.get('noRead') ?? '';
    const theirs = request();
    await idOf('/v1/transfers', theirs);
    for (const body of [theirs, { ...theirs, amount: 60_000 }]) {
      const answer = await api.ask('/v1/transfers', { body, token });
      expect([answer.status, answer.body.code]).toEqual([422, 'idempotency_conflict']);
      expect(answer.text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
      const lines = await api.ask('/v1/transfers/batch', { body: JSON.stringify(body), token, headers: ndjson });
      expect(lines.body).toMatchObject({ refused: 1 });
      expect(lines.text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
    }
    const own = request();
    const first = await api.ask('/v1/transfers', { body: own, token });
    const again = await api.ask('/v1/transfers', { body: own, token });
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  });

  it('a caller is not told who made its transfer again, and where that is', async () => {
    const token = keys.get('noRead') ?? '';
    const { body } = await api.ask('/v1/transfers', { body: request(), token });
    const path = `/v1/transfers/${String(body.id)}`;
    await api.ask(`${path}/cancel`, { body: {}, token });
    const again = await api.ask(`${path}/replay`, { body: { externalId: 'theirs' } });
    expect(again.status).toBe(202);
    const refused = await api.ask(`${path}/replay`, { body: { externalId: 'mine' }, token });
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      'This transfer cannot be replayed: it has been replayed already.',
    ]);
  });

  it('a caller is not told why its transfer is held: that quotes balances and people', async () => {
    const token = keys.get('noRead') ?? '';
    const own = request();
    const { body } = await api.ask('/v1/transfers', { body: own, token });
    await api.ledger.db
      .updateTable('kpay.transfers')
      .set((it) => ({
        state: 'holding',
        reason_code: 'insufficient_funds',
        reason: HUSHED,
        hold_until: new Date(Date.now() + 60_000),
        version: it('version', '+', 1),
      }))
      .where('id', '=', String(body.id))
      .execute();
    const again = await api.ask('/v1/transfers', { body: own, token });
    expect(again.body).toMatchObject({ state: 'holding', reasonCode: 'insufficient_funds', reason: null });
    const read = await api.ask(`/v1/transfers/${String(body.id)}`, { token: keys.get('right') ?? '' });
    expect(read.body.reason).toBe(HUSHED);
  });
});
