import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawServer, startRawServer, TOKEN_ANSWER } from '../test/raw-server.ts';
import { Kpay, KpayError, transferBody } from './index.ts';

// What a caller in JavaScript gets wrong. Each call ends with a KpayError that names the argument, before anything is sent.

const KEYS = { apiKey: 'kpay_test_misused', secretKey: 'a-secret-of-tests' };
const LIMIT = 50;
const TRANSFER = {
  sourceCountry: 'CMR',
  destinationCountry: 'GAB',
  amount: { amountMinor: 50_000n, currency: 'XAF' },
  externalId: 'invoice-1',
};

let server: RawServer;
let kpay: Kpay;

beforeEach(async () => {
  server = await startRawServer(({ path, reply }) =>
    reply(path.endsWith('/token') ? 201 : 200, path.endsWith('/token') ? TOKEN_ANSWER : []),
  );
  kpay = new Kpay({ ...KEYS, baseUrl: server.baseUrl, rateLimitPerMinute: LIMIT });
});
afterEach(async () => {
  await kpay.close();
  await server.close();
});

/** As JavaScript sees it: anything can be called with anything. */
type Loose = (...args: unknown[]) => unknown;
const loose = (name: string): Loose => {
  const [owner, method] = name.includes('.') ? name.split('.') : [undefined, name];
  const object = (owner === undefined ? kpay : Reflect.get(kpay, owner)) as Record<string, Loose>;
  return (...args) => object[method ?? '']?.(...args);
};

const notOptions: readonly unknown[] = [null, 'people', 5, true, 5n, [], () => {}, Symbol('options')];
const wrongOptions: readonly object[] = [
  { lane: 'nobody' },
  { lane: null },
  { lane: 1 },
  { maxWaitMs: -1 },
  { maxWaitMs: '5' },
  { maxWaitMs: Number.NaN },
  { maxWaitMs: null },
  { timeoutMs: 0 },
  { timeoutMs: 60_000 },
  { timeoutMs: '20' },
  { timeoutMs: Number.POSITIVE_INFINITY },
  { signal: {} },
  { signal: new AbortController() },
  { signal: null },
  { headers: 'x-a: b' },
  { headers: null },
  { headers: ['x-a'] },
  { headers: { 'x-a': 5 } },
  { headers: { 'x-a': 'b\r\nx-api-key: c' } },
  { headers: { 'x a': 'b' } },
  { headers: { 'X-Api-Key': 'b' } },
  { headers: { authorization: 'b' } },
  { headers: { 'content-length': '5' } },
  { timeout: 5 },
  { Lane: 'people' },
  { urgency: {} },
];
/** What stands for a text: all but a text. */
const notText: readonly unknown[] = [undefined, null, '', ' ', 5, 5n, true, [], {}, () => {}, Symbol('text')];
const notMoney: readonly unknown[] = [
  undefined,
  null,
  true,
  5n,
  [],
  {},
  () => {},
  Number.NaN,
  -1,
  '',
  'much',
  '1e3',
  { amountMinor: 50_000, currency: 'XAF' },
  { amountMinor: '50000', currency: 'XAF' },
  { amountMinor: 50_000n },
  { amountMinor: 50_000n, currency: 'KES' },
  { amountMinor: 0n, currency: 'XAF' },
  { amount: 50_000, currency: 'XAF' },
];

const calls: readonly [name: string, right: readonly unknown[], wrong: readonly (readonly unknown[])[]][] = [
  ['me', [], []],
  ['balance', [], []],
  ['availability', [], []],
  ['accessToken', [], []],
  ['prepareTransfer', [], []],
  [
    'exchangeRate',
    ['XAF', 'XOF'],
    [...notText, 'xaf', 'XAFF', 'X F'].flatMap((it) => [
      [it, 'XOF'],
      ['XAF', it],
    ]),
  ],
  ['predictProvider', ['237653456789'], [...notText, 'abc', '+'.repeat(50)].map((it) => [it])],
  [
    'transfer',
    [TRANSFER],
    [
      ...[undefined, null, 'CMR', 5, [], () => {}].map((it) => [it]),
      ...(['sourceCountry', 'destinationCountry', 'externalId'] as const).flatMap((field) =>
        notText.map((it) => [{ ...TRANSFER, [field]: it }]),
      ),
      ...['cmr', 'Cameroon', 'XYZ', 'COD'].map((it) => [{ ...TRANSFER, sourceCountry: it }]),
      ...['cmr', 'Gabon', 'CMR'].map((it) => [{ ...TRANSFER, destinationCountry: it }]),
      ...notMoney.map((it) => [{ ...TRANSFER, amount: it }]),
      ...[null, 5, {}].flatMap((it) => [[{ ...TRANSFER, description: it }], [{ ...TRANSFER, applicationId: it }]]),
      [{ ...TRANSFER, metadata: {} }],
      [{ ...TRANSFER, currency: 'XAF' }],
      [{ ...TRANSFER, externalId: 'x'.repeat(10_000) }],
    ],
  ],
];

describe.each(calls)('%s', (name, right, wrong) => {
  const all: (readonly unknown[])[] = [
    ...wrong,
    ...notOptions.map((options) => [...right, options]),
    ...wrongOptions.map((options) => [...right, options]),
    [...right, {}, 'one more'],
  ];

  it(`refuses ${all.length} wrong calls before anything is sent, and holds up nobody else`, async () => {
    const refused = all.map((args) => settled(() => loose(name)(...args)));
    const other = kpay.observations.balance({ lane: 'people' });
    const errors = await Promise.all(refused);
    for (const [index, error] of errors.entries()) {
      const described = `${name}(${all[index]?.map(String).join(', ')})`;
      expect(error, described).toBeInstanceOf(KpayError);
      expect((error as KpayError).code, described).toMatch(/^(invalid_argument|invalid_amount|unknown_country)$/);
      expect((error as KpayError).message, described).toMatch(/^[\w .-]+ (must|is|was|can|cannot|holds)\b/);
    }
    await other;
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/payments/balance']);
    expect(await kpay.budget.remaining()).toBe(LIMIT - 1);
  });
});

it('what stands beside the calls refuses wrong arguments as well', async () => {
  const wrong: readonly [string, ...unknown[]][] = [
    ['observations.balance', 'people'],
    ['observations.balance', null],
    ['observations.balance', { lane: 'nobody' }],
    ['observations.availability', { maxAgeMs: -1 }],
    ['observations.availability', { maxAgeMs: '5' }],
    ['observations.balance', { signal: 5 }],
    ['observations.balance', { timeout: 5 }],
    ['observations.rate'],
    ['observations.rate', 'XAF'],
    ['observations.rate', 'xaf', 'XOF'],
    ['observations.peekRate', 5, 'XOF'],
    ['budget.take'],
    ['budget.take', 'nobody'],
    ['budget.take', 'money', { maxWaitMs: '5' }],
    ['budget.take', 'money', null],
    ['budget.block'],
    ['budget.block', -5],
    ['budget.block', 'soon'],
    ['budget.seed'],
    ['budget.seed', [{ attempt: 5, ageMs: 0 }]],
    ['budget.seed', [{ attempt: 'a', ageMs: 'old' }]],
    ['changeKeys'],
    ['changeKeys', null, async () => {}],
    ['changeKeys', {}, async () => {}],
    ['changeKeys', { apiKey: KEYS.apiKey }, async () => {}],
    ['changeKeys', KEYS],
    ['changeKeys', { ...KEYS, apiKey: 5 }, async () => {}],
  ];
  for (const [name, ...args] of wrong) {
    const error = await settled(() => loose(name)(...args));
    expect(error, `${name}(${args.map(String).join(', ')})`).toBeInstanceOf(KpayError);
  }
  expect(server.requests).toHaveLength(0);
  expect(await kpay.budget.remaining()).toBe(LIMIT);
});

it('a permit that is sent wrongly is not spent, and gives its slot back', async () => {
  const permit = await kpay.prepareTransfer();
  const send = permit.send as Loose;
  const wrong: readonly (readonly unknown[])[] = [[], ['{}'], [5, { leaseExpiresAtMs: 5 }], ['{}', { leaseExpiresAtMs: 'soon' }]];
  for (const args of wrong) expect(await settled(() => send(...args))).toMatchObject({ code: 'invalid_argument' });
  await permit.release();
  expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/payments/token']);
  expect(await kpay.budget.remaining()).toBe(LIMIT - 1);
  expect(await settled(() => permit.send('{}', { leaseExpiresAtMs: 5 }))).toMatchObject({ code: 'invalid_argument' });
});

it.each([undefined, null, 5, 'text', [], {}])('transferBody(%s) throws a KpayError', (fields) => {
  expect(() => transferBody(fields as never)).toThrow(KpayError);
});

/** What a call ends with, thrown or rejected. */
async function settled(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}
