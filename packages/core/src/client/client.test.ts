import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { eventually } from '@kpay/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawRequest, type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { createTestClient, type TestClient } from '../../test/test-client.ts';
import { createBudget } from '../budget.ts';
import { InvalidSettingsError } from '../errors.ts';
import { createMemoryBudgetStore } from '../stores/budget-store.ts';
import { systemClock } from '../time/clock.ts';
import type { KpayClient, KpayClientOptions } from './client.ts';

const PEOPLE = { lane: 'people' } as const;

let server: RawServer;
let onRequest: (request: RawRequest) => void;
const opened: TestClient[] = [];

beforeEach(async () => {
  server = await startRawServer((request) => onRequest(request));
});
afterEach(async () => {
  await server.close();
  for (const { client } of opened.splice(0)) await client.close();
});

function open(overrides: Partial<KpayClientOptions> = {}, baseUrl: string = server.baseUrl): TestClient {
  const opening = createTestClient(baseUrl, overrides);
  opened.push(opening);
  return opening;
}

function answerWith(status: number, body: unknown, headers?: Record<string, string>): void {
  onRequest = (request) => request.reply(status, body, headers);
}

describe('the documented answers are understood', () => {
  const me = {
    application: { id: 'app-1', name: 'Mon Application' },
    company: { id: 'c-1', name: 'My Startup Inc' },
    environment: 'TEST',
  };

  it('me', async () => {
    answerWith(200, me);
    expect(await open().client.me(PEOPLE)).toEqual(me);
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/api/v1/payments/me', body: '' });
  });

  it('reads me: LIVE means PRODUCTION, and no unknown environment is guessed', async () => {
    answerWith(200, { ...me, environment: 'LIVE' });
    expect(await open().client.me(PEOPLE)).toMatchObject({ environment: 'PRODUCTION' });
    answerWith(200, { ...me, environment: 'STAGING' });
    await expect(open().client.me(PEOPLE)).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });

  it('exchange rate, with every digit that KPay wrote', async () => {
    answerWith(200, '{"from":"XAF","to":"XOF","rate":1.01530000000000000001}');
    expect(await open().client.exchangeRate('XAF', 'XOF', PEOPLE)).toEqual({
      from: 'XAF',
      to: 'XOF',
      rate: '1.01530000000000000001',
    });
    expect(server.requests[0]?.path).toBe('/api/v1/payments/exchange-rate?from=XAF&to=XOF');
  });

  it.each([0, -1, null, 'much'])('exchange rate %j is unreadable', async (rate) => {
    answerWith(200, { from: 'XAF', to: 'XOF', rate });
    await expect(open().client.exchangeRate('XAF', 'XOF', PEOPLE)).rejects.toMatchObject({ reason: 'unreadable' });
  });

  it.each([
    ['XOF', 'XAF'],
    ['EUR', 'XOF'],
    ['XAF', 'EUR'],
    ['', ''],
  ])('a rate from %j to %j is unreadable for who asked from XAF to XOF', async (from, to) => {
    answerWith(200, { from, to, rate: 1.5 });
    const asking = open().client.exchangeRate('XAF', 'XOF', PEOPLE);
    await expect(asking).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });

  it.each([
    ['+237 653456789', { country: 'CMR', phoneNumber: '237653456780' }],
    ['+237 653456789', { country: 'CMR', phoneNumber: '256653456789' }],
    ['+237 653456789', { country: 'UGA', phoneNumber: '256653456789' }],
    ['00237653456789', { country: 'UGA', phoneNumber: null }],
    ['237653456789', { country: 'UGA' }],
    ['653456789', { country: 'UGA', phoneNumber: '237653456789' }],
    ['+233 653456789', { country: 'CMR', phoneNumber: null }],
  ])('an operator asked for %s is unreadable in %j', async (phoneNumber, answer) => {
    answerWith(201, { provider: 'MTN_MOMO_CMR', ...answer });
    const asking = open().client.predictProvider(phoneNumber, PEOPLE);
    await expect(asking).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });

  it.each([
    ['0653 45 67 89', 'CMR', '237653456789'],
    ['0503456789', 'CIV', '2250503456789'],
    ['+229 01 51 34 57 89', 'BEN', '22951345789'],
    ['+233 653456789', 'GHA', '233653456789'],
    ['653456789', 'CMR', null],
  ])('an operator asked for %s is read in %s with %s', async (asked, country, phoneNumber) => {
    answerWith(201, { country, provider: 'SOME_OPERATOR', phoneNumber });
    expect(await open().client.predictProvider(asked, PEOPLE)).toMatchObject({ country, phoneNumber });
  });

  it('predict provider', async () => {
    answerWith(201, { country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber: '237653456789' });
    const predicted = { country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber: '237653456789', known: true };
    expect(await open().client.predictProvider('+237 653456789', PEOPLE)).toEqual(predicted);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/payments/predict-provider',
      body: '{"phoneNumber":"+237 653456789"}',
    });
  });

  it('reads availability: new values are kept, flagged and reported once, no error', async () => {
    const provider = { provider: 'MTN_MOMO_CMR', operationTypes: [{ operationType: 'PAYOUT', status: 'DELAYED', since: 'now' }] };
    const strange = { provider: 'MTN_MOMO_TZA', operationTypes: [{ operationType: 'REFUND', status: 'PAUSED' }] };
    const rows = [
      { country: 'CMR', providers: [provider] },
      { country: 'TZA', providers: [strange, strange] },
    ];
    answerWith(200, rows);
    const { client, drifts } = open();
    const strangeRow = {
      provider: 'MTN_MOMO_TZA',
      known: false,
      operationTypes: [{ operationType: 'REFUND', status: 'PAUSED', known: false }],
    };
    expect(await client.availability(PEOPLE)).toEqual([
      {
        country: 'CMR',
        known: true,
        providers: [
          {
            provider: 'MTN_MOMO_CMR',
            known: true,
            operationTypes: [{ operationType: 'PAYOUT', status: 'DELAYED', known: true }],
          },
        ],
      },
      { country: 'TZA', known: false, providers: [strangeRow, strangeRow] },
    ]);
    await client.availability(PEOPLE);
    expect(drifts.map(({ kind, path }) => `${kind} ${path}`).toSorted()).toEqual([
      'unknown_field [].providers[].operationTypes[].since',
      'unknown_value [].country',
      'unknown_value [].providers[].operationTypes[].operationType',
      'unknown_value [].providers[].operationTypes[].status',
      'unknown_value [].providers[].provider',
    ]);
  });

  it('reads balance in exact minor units, several rows of a currency, unknown ones', async () => {
    answerWith(
      200,
      `[{"currency":"XAF","balance":150000,"reservedBalance":25000,"availableBalance":125000},
        {"currency":"XAF","balance":9007199254740993,"reservedBalance":0,"availableBalance":9007199254740993},
        {"currency":"KES","balance":0.3,"reservedBalance":0.1,"availableBalance":0.2},
        {"currency":"TZS","balance":1,"reservedBalance":0,"availableBalance":1}]`,
    );
    const rows = await open().client.balance(PEOPLE);
    expect(rows.map((row) => [row.currency, row.known, row.balanceMinor, row.reservedMinor, row.availableMinor])).toEqual([
      ['XAF', true, 150_000n, 25_000n, 125_000n],
      ['XAF', true, 9_007_199_254_740_993n, 0n, 9_007_199_254_740_993n],
      ['KES', true, 30n, 10n, 20n],
      ['TZS', false, 100n, 0n, 100n],
    ]);
    expect(rows[2]).toMatchObject({ balance: { amountMinor: 30n, currency: 'KES' }, availableBalance: { amountMinor: 20n } });
    expect(JSON.stringify(rows[2])).toBe(
      '{"currency":"KES","known":true,"balance":{"amount":"0.30","currency":"KES"},' +
        '"reservedBalance":{"amount":"0.10","currency":"KES"},"availableBalance":{"amount":"0.20","currency":"KES"}}',
    );
  });
});

describe('one odd row spoils no other', () => {
  const row = (currency: unknown, availableBalance: unknown) => ({ currency, balance: 1, reservedBalance: 0, availableBalance });

  it.each([['NaN'], [null], ['1,000'], [{}], [true]])(
    'a balance of %j: its currency is unknown, and the rest stands',
    async (odd) => {
      answerWith(200, [row('KES', 2), row('XAF', odd), row('XAF', 5), null, 'row', row('XOF', 7)]);
      const { client, drifts } = open();
      const wallets = await client.balance(PEOPLE);
      expect(wallets.map(({ currency, availableMinor }) => [currency, availableMinor])).toEqual([
        ['KES', 200n],
        ['XOF', 7n],
      ]);
      expect(drifts).toEqual([{ endpoint: 'balance', path: '[]', kind: 'unreadable_row' }]);
    },
  );

  it('missing from the availability are unknown, and never closed', async () => {
    const good = { provider: 'ORANGE_CMR', operationTypes: [{ operationType: 'PAYOUT', status: 'CLOSED' }] };
    const halfOdd = {
      provider: 'MTN_MOMO_CMR',
      operationTypes: [{ operationType: 'PAYOUT', status: null }, 'NaN', { status: 'CLOSED' }],
    };
    answerWith(200, [
      null,
      { country: 'GAB', providers: null },
      { country: 'CMR', providers: [good, 'NaN', { provider: null, operationTypes: [] }, halfOdd] },
    ]);
    const { client, drifts } = open();
    const operation = { operationType: 'PAYOUT', status: 'CLOSED', known: true };
    expect(await client.availability(PEOPLE)).toEqual([
      {
        country: 'CMR',
        known: true,
        providers: [
          { provider: 'ORANGE_CMR', known: true, operationTypes: [operation] },
          { provider: 'MTN_MOMO_CMR', known: true, operationTypes: [{ ...operation, status: 'UNREADABLE', known: false }] },
        ],
      },
    ]);
    expect(drifts.filter(({ kind }) => kind === 'unreadable_row').map(({ path }) => path)).toEqual([
      '[]',
      '[].providers[]',
      '[].providers[].operationTypes[]',
    ]);
  });

  it.each([[[null]], [['NaN', {}]], [[row('XAF', 'NaN')]], [null], [{ rows: [] }]])('but %j is unreadable', async (body) => {
    answerWith(200, JSON.stringify(body));
    const { client } = open();
    await expect(client.balance(PEOPLE)).rejects.toMatchObject({ reason: 'unreadable' });
    await expect(client.availability(PEOPLE)).rejects.toMatchObject({ reason: 'unreadable' });
  });
});

describe('an answer is decoded', () => {
  const text = JSON.stringify([{ currency: 'XAF', balance: 1, reservedBalance: 0, availableBalance: 1 }]);

  function answerBytes(bytes: Buffer, encoding?: string): void {
    onRequest = ({ socket }) => {
      const coded = encoding === undefined ? '' : `content-encoding: ${encoding}\r\n`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n${coded}\r\n`);
      socket.write(bytes);
    };
  }

  it.each([
    ['a byte order mark', Buffer.from(`\uFEFF${text}`), undefined],
    ['gzip', gzipSync(text), 'gzip'],
    ['x-gzip', gzipSync(text), 'X-GZIP'],
    ['br', brotliCompressSync(text), 'br'],
    ['deflate', deflateSync(text), 'deflate'],
    ['two codings', brotliCompressSync(gzipSync(`\uFEFF${text}`)), 'gzip, br'],
    ['identity', Buffer.from(text), 'identity'],
  ])('from %s', async (_what, bytes, encoding) => {
    answerBytes(bytes, encoding);
    expect(await open().client.balance(PEOPLE)).toHaveLength(1);
  });

  it.each([
    ['what is not gzip', Buffer.from(text), 'gzip'],
    ['what nobody knows', Buffer.from(text), 'zstd-of-tomorrow'],
    ['what broke off', gzipSync(text).subarray(0, 20), 'gzip'],
    ['what grows without end', gzipSync(' '.repeat(2_000_000)), 'gzip'],
  ])('and %s is unreadable', async (_what, bytes, encoding) => {
    answerBytes(bytes, encoding);
    await expect(open().client.balance(PEOPLE)).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });
});

describe('a caller without types', () => {
  function openTaken(): { client: KpayClient; taken: string[] } {
    const taken: string[] = [];
    const memory = createMemoryBudgetStore({ clock: systemClock });
    const store: typeof memory = {
      ...memory,
      take(lane, rules) {
        taken.push(lane);
        return memory.take(lane, rules);
      },
    };
    const budget = createBudget({ store, clock: systemClock, limit: 100, windowMs: 60_000 });
    return { client: open({ budget }).client, taken };
  }

  it('reads in the lane of people and sends in that of money, when it names none', async () => {
    const { client, taken } = openTaken();
    answerWith(200, []);
    await client.balance();
    await client.balance({});
    answerWith(201, TOKEN_ANSWER);
    const permit = await client.prepareTransfer();
    await permit.release();
    expect(taken).toEqual(['people', 'people', 'money', 'money']);
  });

  it.each(['undefined', '', 'MONEY', 7, { lane: 'money' }])('has nothing sent in a lane %j', async (lane) => {
    const { client, taken } = openTaken();
    const wrong = { lane: lane as 'money' };
    for (const asking of [client.balance(wrong), client.accessToken(wrong), client.prepareTransfer(wrong)]) {
      await expect(asking).rejects.toThrow('lane must be one of money, checks, people, metrics');
    }
    expect(taken).toEqual([]);
    expect(server.requests).toEqual([]);
  });
});

describe('a read that fails', () => {
  it.each([
    [400, 'RejectedError', undefined],
    [401, 'RejectedError', undefined],
    [403, 'RejectedError', undefined],
    [404, 'RejectedError', undefined],
    [418, 'RejectedError', undefined],
    [429, 'RetryableError', 'rate_limited'],
    [500, 'RetryableError', 'server_error'],
    [503, 'RetryableError', 'server_error'],
    [302, 'RetryableError', 'unreadable'],
  ])('with %i is %s %s', async (status, name, reason) => {
    answerWith(status, { statusCode: status, message: 'Service indisponible', error: 'x' });
    const error = await open()
      .client.balance(PEOPLE)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name, ...(reason ? { reason } : { status, detail: 'Service indisponible' }) });
  });

  it.each([
    '<html>Forbidden</html>',
    '<?xml version="1.0"?><Error/>',
    '{"message":"blocked"}',
    '{"statusCode":500,"message":"about another status"}',
    '{"statusCode":403}',
    '{"statusCode":403,"message":7}',
    '["statusCode"]',
    'null',
    '',
  ])('with 403 and %j is not KPay’s refusal, and may be asked again', async (body) => {
    answerWith(403, body);
    await expect(open().client.balance(PEOPLE)).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });

  it.each([
    '<html>',
    '',
    '{}',
    '[{"currency":"XAF"}]',
    '[{"currency":"XAF","balance":"a","reservedBalance":0,"availableBalance":0}]',
  ])('with 200 and %j is unreadable, never a parser’s error', async (body) => {
    answerWith(200, body);
    await expect(open().client.balance(PEOPLE)).rejects.toMatchObject({ name: 'RetryableError', reason: 'unreadable' });
  });

  it('hands on Retry-After, as seconds or as a date', async () => {
    answerWith(503, 'later', { 'retry-after': '3' });
    await expect(open().client.balance(PEOPLE)).rejects.toMatchObject({ retryAfterMs: 3_000 });
    answerWith(429, 'later', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    const error = await open()
      .client.balance(PEOPLE)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'rate_limited' });
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(57_000);
  });

  it('is retryable after a timeout or a lost or refused connection, not after an abort', async () => {
    onRequest = () => {};
    await expect(open({ totalTimeoutMs: 100 }).client.balance(PEOPLE)).rejects.toMatchObject({ reason: 'timeout' });
    onRequest = ({ socket }) => socket.resetAndDestroy();
    await expect(open().client.balance(PEOPLE)).rejects.toMatchObject({ reason: 'connection_lost' });
    await expect(open({}, 'http://127.0.0.1:1').client.balance(PEOPLE)).rejects.toMatchObject({ reason: 'not_connected' });
    const leaving = new AbortController();
    onRequest = () => leaving.abort();
    const error = await open()
      .client.balance({ ...PEOPLE, signal: leaving.signal })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AbortError', code: 'aborted', cause: leaving.signal.reason });
  });

  it('is not retryable when the client is closed, nor when it waits for budget then', async () => {
    const clock = systemClock;
    const budget = createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 1, windowMs: 60_000 });
    answerWith(200, []);
    const { client } = open({ budget });
    await client.balance(PEOPLE);
    const waiting = client.balance(PEOPLE);
    void client.close();
    await expect(waiting).rejects.toMatchObject({ name: 'ClosedError', code: 'closed' });
    await expect(client.balance(PEOPLE)).rejects.toMatchObject({ name: 'ClosedError', code: 'closed' });
  });
});

it('each request is reported once, by endpoint and outcome', async () => {
  answerWith(200, []);
  const { client, calls } = open();
  await client.balance(PEOPLE);
  answerWith(500, '');
  await client.availability(PEOPLE).catch(() => {});
  answerWith(404, { statusCode: 404, message: 'no' });
  await client.me(PEOPLE).catch(() => {});
  expect(calls.map(({ endpoint, outcome }) => `${endpoint} ${outcome}`)).toEqual([
    'balance ok',
    'availability server_error',
    'me rejected',
  ]);
  expect(calls.every(({ durationMs }) => durationMs > 0 && durationMs < 5_000)).toBe(true);
});

it('a listener that throws spoils no answer', async () => {
  answerWith(200, [{ surprise: true, currency: 'XAF', balance: 1, reservedBalance: 0, availableBalance: 1 }]);
  const bad = (): never => {
    throw new Error('listener');
  };
  expect(await open({ onCall: bad, onDrift: bad }).client.balance(PEOPLE)).toHaveLength(1);
});

it('connections are kept alive and used again', async () => {
  answerWith(200, []);
  const { client } = open();
  for (let count = 0; count < 10; count += 1) await client.balance(PEOPLE);
  // One, or one more while the first is between two requests.
  expect(server.connections).toBeLessThanOrEqual(2);
});

it('close lets a request under way end', async () => {
  let reply: (() => void) | undefined;
  onRequest = (request) => {
    reply = () => request.reply(200, []);
  };
  const { client } = open();
  const reading = client.balance(PEOPLE);
  await eventually(() => expect(reply).toBeDefined());
  const closing = client.close();
  reply?.();
  expect(await reading).toEqual([]);
  await closing;
});

it('a base URL may have a path', async () => {
  answerWith(200, []);
  await open({}, `${server.baseUrl}/kpay/`).client.balance(PEOPLE);
  expect(server.requests[0]?.path).toBe('/kpay/api/v1/payments/balance');
});

it('ipv4Only reaches a name over IPv4', async () => {
  answerWith(200, []);
  expect(await open({ ipv4Only: true }, `http://localhost:${server.port}`).client.balance(PEOPLE)).toEqual([]);
});

describe('settings that cannot go together are refused before anything is sent', () => {
  function create(overrides: Partial<KpayClientOptions>): () => KpayClient {
    return () => open(overrides, overrides.baseUrl ?? server.baseUrl).client;
  }

  it.each([
    ['kpay_live_0123456789', 'TEST', /live key, so environment must be PRODUCTION, not TEST/],
    ['kpay_test_0123456789', 'PRODUCTION', /test key, so environment must be TEST, not PRODUCTION/],
    ['sk_live_0123456789', 'TEST', /must start with kpay_test_ or kpay_live_/],
    ['', 'TEST', /must start with/],
  ] as const)('key %s in %s', (apiKey, environment, message) => {
    expect(create({ apiKey, environment })).toThrow(InvalidSettingsError);
    expect(create({ apiKey, environment })).toThrow(message);
    expect(create({ apiKey, environment })).not.toThrow(/0123456789/);
  });

  it('a live key in PRODUCTION is fine, and so is a secret of any shape', () => {
    expect(create({ apiKey: 'kpay_live_1', environment: 'PRODUCTION', secretKey: 'f'.repeat(64) })).not.toThrow();
  });

  it.each(['', 'kpay', 'ftp://kpay.site', 'https://user:pass@kpay.site'])('base URL %j', (baseUrl) => {
    expect(create({ baseUrl })).toThrow(InvalidSettingsError);
    expect(create({ baseUrl })).not.toThrow(/pass@/);
  });
});
