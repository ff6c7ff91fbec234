import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
const HEX = '0123456789abcdef'.repeat(4);

/** Secrets by shape, each with the part that must not be visible. */
const SHAPES: Record<string, [text: string, hidden: string]> = {
  'a live key': ['kpay_live_Ab3-x_9', 'Ab3-x_9'],
  'a test key': ['kpay_test_Ab3', 'kpay_test_Ab3'],
  'a secret key with a prefix': ['sk_live_q1w2e3', 'q1w2e3'],
  'a secret key of bare hex': [HEX, HEX],
  'a token': [JWT, 'c2lnbmF0dXJl'],
  'a bearer header': ['Authorization: Bearer abc.def-123', 'abc.def-123'],
  'a password in an address': ['postgres://kpay:p4ss@db/kpay', 'p4ss'],
  'a known secret': ['simulator-secret', 'simulator-secret'],
  'a phone number': ['237670000000', '237670000000'],
  'a phone number with plus and spaces': ['+237 6 70 00 00 00', '70 00 00'],
  'a short phone number': ['70123456', '70123456'],
};

it('a secret that becomes known later is hidden from then on', () => {
  const lines: string[] = [];
  const secrets = new Set(['first-secret']);
  const log = createLogger({ name: 'test', destination: { write: (line: string) => void lines.push(line) }, secrets });
  log.info('first-secret');
  secrets.add('second-secret');
  log.info('first-secret and second-secret');
  expect(lines.join('')).not.toMatch(/first-secret|second-secret/);
});

function capture(): { lines: string[]; log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ name: 'test', destination, secrets: ['simulator-secret', ''] }) };
}

for (const [what, [text, hidden]] of Object.entries(SHAPES)) {
  it(`${what} reaches no line: in a message, an argument, a field, deep in one, in an error, its cause and its fields`, () => {
    const { lines, log } = capture();
    const error = Object.assign(new Error(`refused ${text} today`, { cause: new Error(text) }), { body: { note: text } });
    log.info(`got ${text} today`);
    log.info('got %s and %j', text, { text });
    log.info({ note: text, deep: { list: [{ note: `see ${text}.` }] } }, 'fields');
    log.error(error);
    log.error({ err: error }, 'failed');
    log.error({ reason: new AggregateError([error], text) });
    log
      .child({ peer: text })
      .child({ also: [text] })
      .warn('bound');
    expect(lines).toHaveLength(7);
    for (const line of lines) expect(line).not.toContain(hidden);
  });
}

it('what stands under the name of a secret is hidden whatever it looks like', () => {
  const { lines, log } = capture();
  const names = [
    'apiKey',
    'api_key',
    'X-API-Key',
    'secretKey',
    'x-secret-key',
    'authorization',
    'accessToken',
    'token',
    'adminToken',
  ];
  for (const name of [...names, 'password', 'set-cookie', 'phoneNumber', 'msisdn']) {
    log.info({ request: { headers: { [name]: 'plain', other: 'seen' } } });
    log.info({ [name]: 12345 });
    log.info({ [name]: { value: 'plain' } });
    log.child({ [name]: 'plain' }).info('bound');
  }
  expect(lines.join('')).toContain('seen');
  expect(lines.join('')).not.toMatch(/plain|12345/);
});

it('what is no secret stays: ids, amounts, balances, times, ports and prose', () => {
  const { lines, log } = capture();
  const fields = {
    transferId: '550e8400-e29b-41d4-a716-446655440000',
    amount: '10000000',
    availableBalance: '1234567890.50',
    amountMinor: 10_000_000n,
    at: new Date('2026-11-24T01:02:03.456Z'),
    until: '2026-11-24T01:02:03.456Z',
    count: 1_763_951_000_000,
    rate: '1.015300000000',
    missing: undefined,
    nothing: null,
    yes: true,
  };
  log.info(fields, 'listening on 192.168.100.200:9464 since 2026-11-24 01:02:03');
  const { missing, ...rest } = fields;
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    ...rest,
    amountMinor: 10_000_000,
    at: '2026-11-24T01:02:03.456Z',
    level: 'info',
    name: 'test',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    msg: 'listening on 192.168.100.200:9464 since 2026-11-24 01:02:03',
  });
});

it('an error keeps its name, stack, code and cause', () => {
  const { lines, log } = capture();
  log.error(Object.assign(new TypeError('first', { cause: new RangeError('second') }), { code: 'E1' }));
  const { err, msg } = JSON.parse(lines[0] ?? '') as { err: Record<string, unknown>; msg: string };
  expect(msg).toBe('first');
  expect(err).toMatchObject({
    type: 'TypeError',
    code: 'E1',
    message: 'first',
    cause: { type: 'RangeError', message: 'second' },
  });
  expect(err.stack).toContain('logger.test.ts');
});

it('survives circles, bytes and bottomless objects, and changes nothing it logs', () => {
  const { lines, log } = capture();
  const circle: Record<string, unknown> = { apiKey: 'plain', bytes: Buffer.from('plain') };
  circle.self = circle;
  let deep: object = { note: 'bottom' };
  for (let level = 0; level < 50; level++) deep = { deep };
  const before = inspect(circle);
  log.info({ circle, deep });
  expect(inspect(circle)).toBe(before);
  expect(lines.join('')).not.toMatch(/plain|bottom/);
});
