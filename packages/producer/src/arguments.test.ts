import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../test/stage.ts';
import { createProducer, InvalidArgumentError, ProducerError } from './index.ts';
import { createRestProducer } from './rest.ts';

/** A port that counts who connects: a call that is refused must not have sent anything. */
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  port = (server.address() as { port: number }).port;
});
afterAll(() => void server.close());
afterEach(() => {
  connections = 0;
});

// As JavaScript calls it: no type stands in the way.
type Anything = never;
const mistyped = [undefined, null, '', 'x', 0, 1, true, [], () => {}, Symbol('x'), 5n].map(
  (value) => [`${typeof value} ${Array.isArray(value) ? 'array' : String(value)}`, value as Anything] as const,
);

function caught(call: () => unknown): ProducerError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ProducerError);
    return error as ProducerError;
  }
  throw new Error('nothing was thrown');
}

async function rejected(call: () => Promise<unknown>): Promise<ProducerError> {
  const error = await call().then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProducerError);
  return error as ProducerError;
}

describe('createProducer', () => {
  const connection = 'redis://127.0.0.1:1';

  it.each(mistyped)('refuses %s for its options', (_, options) => {
    expect(caught(() => createProducer(options)).message).toMatch(/^options must be an object with account, /);
  });

  it.each([
    ['account', {}, 'account must be the name of an account: 1 to 32 characters of a to z, 0 to 9 and -; not undefined'],
    ['account', { account: null, connection }, /; not null$/],
    ['account', { account: 5, connection }, /; not this number$/],
    ['account', { account: '', connection }, /and -$/],
    ['account', { account: 'Default', connection }, /and -$/],
    ['account', { account: 'a:b', connection }, /and -$/],
    ['account', { account: 'x'.repeat(33), connection }, /and -$/],
    ['connection', { account: 'default' }, /^connection must be a URL such as .*, not undefined$/],
    ['connection', { account: 'default', connection: '' }, /not an empty text$/],
    ['connection', { account: 'default', connection: 'https://me:secret@redis' }, /not a URL of https:$/],
    ['connection', { account: 'default', connection: 6379 }, /not this number$/],
    ['connection', { account: 'default', connection: ['redis://one'] }, /not an array$/],
    ['connection', { account: 'default', connection: new Map() }, /not an object$/],
    // node-redis's client: a copy of it is no ioredis client.
    [
      'connection',
      {
        account: 'default',
        connection: new (class {
          isOpen = true;
          duplicate() {}
        })(),
      },
      /not an object$/,
    ],
    ['queues', { account: 'default', connection, queues: { queue() {}, queueEvents() {} } }, /left out beside connection/],
    ['queues', { account: 'default', queues: {} }, /queue\(\) and queueEvents\(\)/],
    ['telemetry', { account: 'default', connection, telemetry: true }, /BullMQ's telemetry/],
    [
      'options.acount',
      { acount: 'default', connection },
      'options.acount is not an option: there are account, connection, queues, telemetry',
    ],
  ])('names %s, and says what would be right: %o', (argument, options, message) => {
    const error = caught(() => createProducer(options as Anything));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ code: 'invalid_argument', argument });
    expect(error.message).toMatch(message);
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('refuses an argument behind its options', () => {
    const call = createProducer as (...all: unknown[]) => unknown;
    expect(caught(() => call({ account: 'default', connection }, {})).message).toBe(
      'createProducer() takes one object of options and no further argument',
    );
  });
});

describe('createRestProducer', () => {
  const good = { account: 'default', baseUrl: 'http://127.0.0.1:1', token: 'a-token' };

  it.each([
    ['options', undefined],
    ['options', 'http://127.0.0.1:1'],
    ['account', { ...good, account: undefined }],
    ['baseUrl', { ...good, baseUrl: undefined }],
    ['baseUrl', { ...good, baseUrl: 'kpay-ops.example' }],
    ['baseUrl', { ...good, baseUrl: 'redis://127.0.0.1' }],
    ['baseUrl', { ...good, baseUrl: 'http://me:secret@kpay-ops.example' }],
    ['baseUrl', { ...good, baseUrl: 'http://kpay-ops.example/?token=secret' }],
    ['baseUrl', { ...good, baseUrl: 'http://kpay-ops.example/v1/' }],
    ['token', { ...good, token: undefined }],
    ['token', { ...good, token: '' }],
    ['token', { ...good, token: 'a secret\n' }],
    ['timeoutMs', { ...good, timeoutMs: '5' }],
    ['timeoutMs', { ...good, timeoutMs: -1 }],
    ['timeoutMs', { ...good, timeoutMs: Number.NaN }],
    ['maxRetries', { ...good, maxRetries: 1.5 }],
    ['maxRetries', { ...good, maxRetries: 11 }],
    ['fetch', { ...good, fetch: 'fetch' }],
    ['options.url', { ...good, url: 'http://127.0.0.1:1' }],
  ])('names %s, and repeats no secret: %o', (argument, options) => {
    const error = caught(() => createRestProducer(options as Anything));
    expect(error).toMatchObject({ name: 'InvalidArgumentError', argument });
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain('secret');
  });

  it('refuses what a token function returns when it is no token, before any request', async () => {
    const producer = createRestProducer({ ...good, baseUrl: `http://127.0.0.1:${port}`, token: () => undefined as Anything });
    expect(await rejected(() => producer.enqueue(request))).toMatchObject({ name: 'InvalidArgumentError', argument: 'token' });
    expect(connections).toBe(0);
    await producer.close();
  });
});

describe.each(['queue', 'REST'])('a call by %s', (transport) => {
  const open = () =>
    transport === 'REST'
      ? createRestProducer({ account: 'default', baseUrl: `http://127.0.0.1:${port}`, token: 'a-token' })
      : // A queue opens its connection with the producer, so the server that counts is not its own.
        createProducer({ account: 'default', connection: { host: '127.0.0.1', port: 1, lazyConnect: true } });

  it.each(mistyped)('refuses %s for a request', async (_, given) => {
    const producer = open();
    const error = await rejected(() => producer.enqueue(given));
    expect(error).toMatchObject({ name: 'InvalidTransferRequestError', code: 'invalid_request', field: 'request' });
    expect(error.message).toMatch(/^request: must be an object with sourceCountry, destinationCountry and amount, not /);
    expect(connections).toBe(0);
    await producer.close();
  });

  it.each([
    ['sourceCountry', undefined, 'is required'],
    ['sourceCountry', null, 'expected string'],
    ['sourceCountry', 'Cameroon', 'must be an ISO 3166-1 alpha-3 code, such as CMR'],
    ['destinationCountry', 5, 'expected string'],
    ['destinationCountry', '', 'must be an ISO 3166-1 alpha-3 code'],
    ['amount', undefined, 'is required'],
    ['amount', null, 'must be a number or a decimal string'],
    ['amount', 50_000n, 'must be a number or a decimal string'],
    ['amount', Number.NaN, 'must be a number or a decimal string'],
    ['amount', -1, 'must be a positive decimal number, such as 50000 or "1500.50"'],
    ['amount', 0, 'must be a positive decimal number'],
    ['amount', '', 'must be a positive decimal number'],
    ['amount', '50,000', 'must be a positive decimal number'],
    ['amount', '9'.repeat(1_000_000), 'must be a positive decimal number'],
    ['minRate', 'high', 'must be a positive decimal number'],
    ['externalId', null, 'expected string'],
    ['externalId', ' ', 'must not be empty'],
    ['externalId', 'x'.repeat(129), 'must be at most 128 characters'],
    ['description', 5, 'expected string'],
    ['quoteId', 'mine', 'must be the id of a quote'],
    ['onInsufficientFunds', 'wait', 'must be "hold" or "fail"'],
    ['notBefore', 'tomorrow', 'must be an ISO 8601 time'],
    ['expiresAt', new Date(), 'must be an ISO 8601 time'],
    ['priority', 10, 'must be 0 to 9'],
    ['priority', '5', 'must be a whole number from 0 to 9'],
    ['metadata', 'team', 'expected'],
    ['minrate', 1, 'is not a field of a transfer'],
  ])('names the field %s of a request that is mistyped', async (field, value, problem) => {
    const producer = open();
    const error = await rejected(() => producer.enqueue({ ...request, [field]: value } as Anything));
    expect(error).toMatchObject({ name: 'InvalidTransferRequestError', field });
    expect(error.message).toContain(problem);
    expect(error.message.length).toBeLessThan(200);
    expect(connections).toBe(0);
    await producer.close();
  });

  it.each([...mistyped.filter(([name]) => name !== 'string x'), ['string space', ' '], ['string NUL', 'a\0b']] as [
    string,
    Anything,
  ][])('refuses %s for the externalId of get()', async (_, given) => {
    const producer = open();
    expect(await rejected(() => producer.get(given))).toMatchObject({ name: 'InvalidArgumentError', argument: 'externalId' });
    expect(connections).toBe(0);
    await producer.close();
  });

  it('refuses arguments behind the last one, such as options that nobody reads', async () => {
    const producer = open() as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>;
    for (const [name, all] of [
      ['enqueue', [request, { timeoutMs: 5 }]],
      ['get', ['order-1', 0]],
    ] as const) {
      const error = await rejected(() => producer[name]?.(...all) ?? Promise.reject());
      expect(error.message).toMatch(new RegExp(`^${name}\\(\\) takes .* and no further argument$`));
    }
    // As a callback of a signal it gets the signal's name, and has no options that it could leave unread.
    await producer.close?.('SIGTERM');
  });

  it('refuses every call after close(), which can be called again', async () => {
    const producer = open();
    await producer.close();
    await producer.close();
    for (const call of [() => producer.enqueue(request), () => producer.get('order-1')]) {
      expect(await rejected(call)).toMatchObject({ name: 'ClosedError', code: 'closed' });
    }
    expect(connections).toBe(0);
  });
});
