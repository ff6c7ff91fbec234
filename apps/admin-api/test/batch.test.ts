import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const send = (text: string, query = '', type = 'application/x-ndjson') =>
  api.ask(`/v1/transfers/batch${query}`, { method: 'POST', body: text, headers: { 'content-type': type } });
const ndjson = (lines: readonly unknown[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
const recorded = async () => (await api.ledger.db.selectFrom('kpay.transfers').select('id').execute()).length;
const resultsOf = (answer: Answer) =>
  answer.body.results as { line: number; outcome: string; problem: { pointer?: string } | null }[];

const mixed = ndjson([
  { ...request, externalId: 'a' },
  '{"broken',
  { ...request, externalId: 'b', amount: -1 },
  request,
  '',
  { ...request, idempotencyKey: 'k-1' },
  { ...request, externalId: 'a' },
  { ...request, externalId: 'a', amount: 60_000 },
  [1],
  { ...request, externalId: 'c', nonsense: 1 },
]);

const rows = [
  ['externalId', 'sourceCountry', 'destinationCountry', 'amount'],
  ['s-1', 'CMR', 'GAB', '50000'],
  ['s-2', 'CMR', 'GAB', '60000'],
];

describe('what spreadsheets write', () => {
  it.each([
    ['semicolons', rows.map((cells) => cells.join(';')).join('\r\n')],
    ['tabs', rows.map((cells) => cells.join('\t')).join('\n')],
    [
      'a head that ends otherwise than the rows',
      `${rows[0]?.join(',')}\n${rows
        .slice(1)
        .map((cells) => cells.join(','))
        .join('\r\n')}\r\n`,
    ],
    ['columns and rows of nothing', [...rows.map((cells) => `${cells.join(',')},,`), ',,,,,', ',,,,,'].join('\r\n')],
  ])('is read with %s', async (_what, text) => {
    const answer = await send(text, '', 'text/csv');
    expect(answer).toMatchObject({ status: 200, body: { accepted: 2, refused: 0 } });
    expect(resultsOf(answer).map(({ line }) => line)).toEqual([2, 3]);
  });

  it('is refused with more than 100 columns, before the rest is read', async () => {
    const head = (columns: number) => Array.from({ length: columns }, (_, index) => `c${index}`).join(',');
    for (const columns of [101, 50_000]) {
      const answer = await send(`${head(columns)}\n"open`, '', 'text/csv');
      expect(answer).toMatchObject({ status: 400, body: { detail: 'body: has more than 100 columns' } });
    }
  });

  it('is refused where it is not UTF-8, and the line is told', async () => {
    const latin = Buffer.concat([Buffer.from(`${rows[0]?.join(',')}\ns-1,CMR,GAB,50000\n`), Buffer.from('s-é', 'latin1')]);
    for (const [body, line] of [
      [latin, 3],
      [Buffer.from(`\ufeff${rows[0]?.join('\t')}`, 'utf16le'), 1],
    ] as const) {
      const answer = await fetch(`${api.url}/v1/transfers/batch`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'text/csv' },
      });
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { code: 'invalid_request', pointer: '', detail: `body: is not UTF-8 at line ${line}: save or send it as UTF-8` },
      ]);
    }
    expect(await send('x', '', 'text/csv; charset=iso-8859-1')).toMatchObject({ status: 415 });
  });
});

describe('what is longer or deeper than any order', () => {
  const good = JSON.stringify({ ...request, externalId: 'good' });

  it.each([
    ['a long line', `"${'x'.repeat(100_001)}"`, 'has more than 100000 characters'],
    ['a deep line', `${'['.repeat(33)}${']'.repeat(33)}`, 'nests deeper than 32'],
    ['a wide line', `[${'1,'.repeat(1_000)}1]`, 'has more than 1000 entries in a list or an object'],
  ])('%s is refused alone', async (_what, line, problem) => {
    const answer = await send(`${line}\n${good}`);
    expect(answer.body).toMatchObject({ refused: 1, results: [{ line: 1, problem: { detail: `body: ${problem}` } }, {}] });
  });

  it('refuses the whole batch when it has too many lines, empty ones included', async () => {
    expect(await send(`${'\n'.repeat(10_000)}${good}`)).toMatchObject({
      status: 400,
      body: { detail: 'body: has more than 10000 lines, empty ones included' },
    });
    expect((await send(`${'\n'.repeat(9_000)}${good}`)).body).toMatchObject({ results: [{ line: 9_001 }] });
  });

  it('refuses CSV of more than 100,000 lines; Excel may write thousands of empty ones', async () => {
    const head = 'externalId,sourceCountry,destinationCountry,amount';
    for (const end of ['\n', '\r']) {
      expect(await send(`${head}${end}${`,,,${end}`.repeat(100_001)}`, '', 'text/csv')).toMatchObject({
        status: 400,
        body: { detail: 'body: has more than 100000 lines, empty ones included' },
      });
    }
    const { body } = await send(`${head}\n${',,,\n'.repeat(20_000)}s-9,CMR,GAB,50000`, '', 'text/csv');
    expect(body).toMatchObject({ accepted: 1, results: [{ line: 20_002 }] });
  });

  it('a row of CSV is, and the line is told', async () => {
    expect(await send(`externalId\n"${'x'.repeat(100_010)}"`, '', 'text/csv')).toMatchObject({
      status: 400,
      body: { detail: 'body: has more than 100000 characters at line 2' },
    });
  });
});

describe('POST /v1/transfers/batch', () => {
  it('accepts each line whole or not at all, tells each result, and replays the same', async () => {
    const { status, body } = await send(mixed);
    expect({ status, body }).toMatchObject({ status: 200, body: { accepted: 2, replayed: 1, refused: 6 } });
    const results = body.results as Record<string, unknown>[];
    expect(results).toMatchObject([
      { line: 1, outcome: 'accepted', transfer: { externalId: 'a', state: 'queued' }, problem: null },
      { line: 2, outcome: 'refused', transfer: null, problem: { code: 'invalid_request', pointer: '' } },
      { line: 3, outcome: 'refused', problem: { pointer: '/amount' } },
      { line: 4, outcome: 'refused', problem: { code: 'idempotency_required' } },
      { line: 6, outcome: 'accepted', transfer: { externalId: null } },
      { line: 7, outcome: 'replayed', transfer: { externalId: 'a' } },
      { line: 8, outcome: 'refused', problem: { code: 'idempotency_conflict', status: 422 } },
      { line: 9, outcome: 'refused', problem: { pointer: '' } },
      { line: 10, outcome: 'refused', problem: { pointer: '/nonsense' } },
    ]);
    expect(await recorded()).toBe(2);
    expect(api.notified).toHaveLength(2);
    expect((await send(mixed)).body).toMatchObject({ accepted: 0, replayed: 3, refused: 6 });
    expect(await recorded()).toBe(2);
  });

  it('with atomic=true makes nothing when a line is refused, and says which', async () => {
    const { status, body } = await send(mixed, '?atomic=true');
    expect({ status, body }).toMatchObject({ status: 422, body: { code: 'batch_refused', moneyMoved: 'no' } });
    expect((body.lines as { line: number }[]).map(({ line }) => line)).toEqual([2, 3, 4, 8, 9, 10]);
    expect(await recorded()).toBe(0);
    expect(api.notified).toHaveLength(0);
  });

  it('with atomic=true makes all when none is refused', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => ({ ...request, externalId: `order-${n}` }));
    const { status, body } = await send(ndjson(lines), '?atomic=true');
    expect({ status, body }).toMatchObject({ status: 200, body: { accepted: 20, refused: 0 } });
    expect((body.results as { line: number }[]).map(({ line }) => line)).toEqual(lines.map((_, n) => n + 1));
    expect(await recorded()).toBe(20);
  });

  it('takes no more than 1,000 lines, and none of them then', async () => {
    const lines = Array.from({ length: 1_001 }, (_, n) => ({ ...request, externalId: `order-${n}` }));
    expect(await send(ndjson(lines))).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await recorded()).toBe(0);
  });

  it('reads CSV: an empty cell is a field that is not given', async () => {
    const csv = [
      'externalId,sourceCountry,destinationCountry,amount,priority,description,metadata.team,metadata.cost centre',
      'a,CMR,GAB,50000,9,"for ""May"", all",lagos,',
      'b,CMR,GAB,50000.00,,,,',
      'c,CMR,GAB',
      'd,CMR,CMR,50000,,,,',
      'e,CMR,GAB,50000,99,,,',
    ].join('\r\n');
    const { status, body } = await send(`\ufeff${csv}`, '', 'text/csv; charset=utf-8');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        accepted: 2,
        results: [
          { line: 2, transfer: { priority: 9, description: 'for "May", all', metadata: { team: 'lagos' } } },
          { line: 3, transfer: { priority: 5, description: null, metadata: null, amount: '50000' } },
          { line: 4, problem: { detail: 'body: has 3 cells, and the first line has 8' } },
          { line: 5, problem: { pointer: '/destinationCountry' } },
          { line: 6, problem: { pointer: '/priority' } },
        ],
      },
    });
  });

  it.each([
    ['no lines', '\n\n', 'application/x-ndjson', 400],
    ['no body', '', 'application/x-ndjson', 400],
    ['a quote that is open', 'externalId\n"a', 'text/csv', 400],
    ['a column twice', 'amount,amount\n1,2', 'text/csv', 400],
    ['a column of no field', '__proto__,amount\n1,2', 'text/csv', 200],
    ['JSON', '[]', 'application/json', 415],
    ['more than 5 MB', 'x'.repeat(5_000_001), 'application/x-ndjson', 413],
  ])('%s leaves nothing behind', async (_what, text, type, status) => {
    const answer = await send(text, '', type);
    expect(answer.status, answer.text).toBe(status);
    if (status === 200) expect(resultsOf(answer).every(({ outcome }) => outcome === 'refused')).toBe(true);
    expect(await recorded()).toBe(0);
  });

  it('refuses a wrong parameter', async () => {
    expect(await send('{}', '?atomic=yes')).toMatchObject({ status: 400, body: { parameter: 'atomic' } });
  });
});
