import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawRequest, type RawServer, startRawServer } from '../../test/raw-server.ts';
import { API_KEY, createTestClient, SECRET_KEY, TRANSFER } from '../../test/test-client.ts';
import { openKpayAccount } from '../kpay.ts';
import { createMemorySharedStore } from '../stores/shared-store.ts';
import { systemClock } from '../time/clock.ts';
import { redact, snippet } from './redact.ts';
import { transferBody } from './transfer-body.ts';

describe('redact', () => {
  it.each([
    ['Authorization: Bearer abc.def-ghi', 'Authorization: [redacted]'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln expired', 'jwt [redacted] expired'],
    ['key kpay_live_AbC123 and sk_test_zzz', 'key [redacted] and [redacted]'],
    ['a'.repeat(64), '[redacted]'],
    ['number 237653456789.', 'number [redacted].'],
    ['call +237 6 53 45 67 89 now', 'call [redacted] now'],
    ['{"phoneNumber":"237653456789"}', '{"phoneNumber":"[redacted]"}'],
    ['{"phoneNumber": 237653456789}', '{"phoneNumber": [redacted]}'],
    ['74345678 is not known', '[redacted] is not known'],
  ])('hides what is secret in %s', (text, clean) => {
    expect(redact(text)).toBe(clean);
  });

  it.each([
    '{"amount":10000000,"createdAt":1764028800000}',
    'transfer b8aefadd-88b4-561a-8a90-2f9814207bfb of 50000 XAF',
    'id 12345678-1234-1234-1234-123456789012',
    'rate 1.01530000000001',
    '2026-11-24T01:50:00.000Z',
  ])('leaves %s as it is', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('hides given secrets of any shape', () => {
    expect(redact('x hunter2-secret y', ['hunter2-secret'])).toBe('x [redacted] y');
  });

  it.each([
    'Bearer ',
    'Bearer\t\t',
    ' ',
    'eyJ-',
    'eyJa.',
    '"phone"',
    '"phone":',
    '1',
    '1 ',
    '+1',
    '+1 ',
    'f',
    'kpay_live_',
    '-',
    '("',
    'abcd-',
  ])('looks at a megabyte of %j in time', (bait) => {
    const text = bait.repeat(1_000_000 / bait.length);
    for (const each of [`${text}g`, `+${text}"`, `"phone${text}`]) {
      // The quickest of three: another process may have the machine for a while.
      const times = [1, 2, 3].map(() => {
        const startedMs = performance.now();
        redact(each);
        return performance.now() - startedMs;
      });
      expect(Math.min(...times)).toBeLessThan(200);
    }
  });

  it('looks only at the beginning of a huge text', () => {
    const startedMs = performance.now();
    expect(snippet('"phone'.repeat(1_000_000), 300, [])).toHaveLength(300);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});

describe('no secret shows', () => {
  const TOKEN = 'opaque-token-of-no-known-shape';
  const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl';
  const PHONE = '237653456789';
  const SECRETS = [API_KEY, SECRET_KEY, TOKEN, JWT, PHONE, API_KEY.slice(10)];

  let server: RawServer;
  let onTransfer: (request: RawRequest) => void;
  beforeAll(async () => {
    server = await startRawServer((request) => {
      // A KPay, or a proxy before it, that echoes all it was given.
      const echo = { message: [`${JSON.stringify(request.headers)} ${JWT} ${PHONE}`], path: request.path };
      if (request.path.endsWith('/token')) request.reply(201, { accessToken: TOKEN, expiresIn: '30m' });
      else if (request.path.endsWith('/transfer')) onTransfer(request);
      else if (request.path.endsWith('/balance')) request.reply(400, echo);
      else if (request.path.endsWith('/me')) request.reply(200, echo);
      else request.socket.end(`HTTP/1.1 nonsense ${JSON.stringify(request.headers)}\r\n\r\n`);
    });
  });
  afterAll(() => server.close());

  function expectClean(value: unknown): void {
    const seen = [
      inspect(value, { depth: 20, showHidden: true, getters: true }),
      JSON.stringify(value) ?? '',
      String(value),
      ...(value instanceof Error
        ? [value.message, value.stack ?? '', inspect(value.cause, { depth: 20, showHidden: true })]
        : []),
    ].join('\n');
    for (const secret of SECRETS) expect(seen).not.toContain(secret);
  }

  it('in the client, an account, a permit or a token store’s owner', async () => {
    const tokens = createMemorySharedStore({ clock: systemClock });
    const { client } = createTestClient(server.baseUrl, { tokens });
    const permit = await client.prepareTransfer({ lane: 'money' });
    expectClean(client);
    expectClean(permit);
    expectClean(tokens);
    const account = openKpayAccount({
      name: 'default',
      apiKey: API_KEY,
      secretKey: SECRET_KEY,
      baseUrl: server.baseUrl,
      environment: 'TEST',
    });
    expectClean(account);
    await account.close();
    await client.close();
  });

  it('in any error of a read, its cause or its detail, although the answer echoes them', async () => {
    const { client } = createTestClient(server.baseUrl);
    const unreachable = createTestClient('http://127.0.0.1:1').client;
    for (const read of [
      () => client.balance({ lane: 'people' }),
      () => client.me({ lane: 'people' }),
      () => client.availability({ lane: 'people' }),
      () => client.predictProvider(PHONE, { lane: 'people' }),
      () => unreachable.predictProvider(PHONE, { lane: 'people' }),
    ]) {
      const error = await read().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expectClean(error);
    }
    await client.close();
  });

  it.each([400, 401, 500, 201])('in the error of a transfer answered %i with an echo, or in its receipt', async (status) => {
    onTransfer = (request) =>
      request.reply(status, { id: 'wt_1', message: `${TOKEN} ${JSON.stringify(request.headers)} ${JWT}`, phoneNumber: PHONE });
    const { client } = createTestClient(server.baseUrl);
    const permit = await client.prepareTransfer({ lane: 'money' });
    const result = await permit
      .send(transferBody(TRANSFER), { leaseExpiresAtMs: Number.POSITIVE_INFINITY })
      .catch((error: unknown) => error);
    expect(inspect(result, { getters: true })).toContain('[redacted]');
    expectClean(result);
    await client.close();
  });

  it('in the error of a transfer whose connection breaks or whose answer is no HTTP', async () => {
    for (const misbehave of [
      ({ socket }: RawRequest) => socket.resetAndDestroy(),
      ({ socket, headers }: RawRequest) => socket.end(`HTTP/1.1 ${JSON.stringify(headers)}\r\n\r\n`),
    ]) {
      onTransfer = misbehave;
      const { client } = createTestClient(server.baseUrl);
      const error = await client.transfer(TRANSFER, { lane: 'money' }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'OutcomeUnknownError' });
      expectClean(error);
      await client.close();
    }
  });
});
