import { createSimulator, type Simulator, simulatorApplicationId } from '@kpay/simulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Kpay, transferBody } from '../src/index.ts';

const PEOPLE = { lane: 'people' } as const;
const MONEY = { lane: 'money' } as const;

let simulator: Simulator;
let account: Kpay;

beforeEach(async () => {
  simulator = await createSimulator({ port: 0, limit: 1_000, seed: 7, caching: false });
  simulator.control.setBalance({ country: 'CMR', balance: 1_000_000 });
  simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.0153 });
  account = new Kpay({
    name: 'default',
    apiKey: 'kpay_test_simulator',
    secretKey: 'simulator-secret',
    environment: 'TEST',
    baseUrl: simulator.url,
    rateLimitPerMinute: 1_000,
    timeoutMs: 1_000,
    maxRetries: 0,
  });
});
afterEach(async () => {
  await account.close();
  await simulator.close();
});

function wish(externalId: string, amountMinor = 50_000n) {
  const amount = { amountMinor, currency: 'XAF' };
  return { applicationId: simulatorApplicationId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount, externalId };
}

/** What came of one send, with the client's word for it. */
async function sendOnce(externalId: string, amountMinor?: bigint): Promise<unknown> {
  const permit = await account.client.prepareTransfer(MONEY);
  const sending = permit.send(transferBody(wish(externalId, amountMinor)), { leaseExpiresAtMs: Number.POSITIVE_INFINITY });
  return sending.catch((error: unknown) => error);
}

function appliedTransfers(externalId: string): number {
  return simulator.control.truth({ externalId }).transfers.length;
}

it('every endpoint is understood', async () => {
  const { client } = account;
  expect(await client.me(PEOPLE)).toMatchObject({ application: { id: simulatorApplicationId }, environment: 'TEST' });
  expect(await client.exchangeRate('XAF', 'XOF', PEOPLE)).toEqual({ from: 'XAF', to: 'XOF', rate: '1.0153' });
  expect(await client.predictProvider('237653456789', PEOPLE)).toMatchObject({
    country: 'CMR',
    provider: 'MTN_MOMO_CMR',
    known: true,
  });
  expect((await client.availability(PEOPLE)).every(({ providers }) => providers.length > 0)).toBe(true);
  expect((await client.balance(PEOPLE)).map(({ currency }) => currency)).toContain('XAF');
  expect(await client.accessToken(PEOPLE)).toMatch(/^eyJ/);
});

it('transfers show the figures of the other side', async () => {
  const same = await account.client.transfer(wish('same-zone'), MONEY);
  expect(same).toMatchObject({
    exchangeRate: '1',
    destinationTransaction: { amount: { amountMinor: 50_000n, currency: 'XAF' } },
  });
  const cross = await account.client.transfer({ ...wish('cross-zone', 100_000n), destinationCountry: 'SEN' }, MONEY);
  expect(cross).toMatchObject({
    exchangeRate: '1.0153',
    destinationTransaction: { amount: { amountMinor: 101_530n, currency: 'XOF' } },
  });
  expect(simulator.control.checkMoney()).toEqual({ conserved: true, problems: [] });
});

describe('a refusal', () => {
  it('is told by its status', async () => {
    await account.client.transfer(wish('used'), MONEY);
    expect(await sendOnce('used')).toMatchObject({ name: 'RejectedError', status: 409 });
    expect(await sendOnce('poor', 9_000_000n)).toMatchObject({ name: 'RejectedError', status: 422 });
    expect(await sendOnce('little', 99n)).toMatchObject({ name: 'RejectedError', status: 400 });
    const strangers = { ...wish('foreign'), applicationId: '00000000-0000-4000-8000-000000000000' };
    await expect(account.client.transfer(strangers, MONEY)).rejects.toMatchObject({ name: 'RejectedError', status: 403 });
  });

  it('may come as several messages', async () => {
    simulator.control.addFault({ fault: { kind: 'message_array' } });
    const refused = await sendOnce('little', 99n);
    expect(refused).toMatchObject({ name: 'RejectedError', status: 400 });
    expect((refused as { detail: string }).detail).not.toMatch(/[[\]{}]/);
  });
});

describe('a fault in a transfer is told as what it is', () => {
  it.each([
    [{ kind: 'drop', when: 'before' }, 'connection_lost', 0],
    [{ kind: 'drop', when: 'after' }, 'connection_lost', 1],
    [{ kind: 'drop', when: 'after', reset: true }, 'connection_lost', 1],
    [{ kind: 'truncate' }, 'connection_lost', 1],
    [{ kind: 'hang', when: 'before' }, 'timeout', 0],
    [{ kind: 'hang', when: 'after' }, 'timeout', 1],
    [{ kind: 'status', status: 500, when: 'before' }, 'server_error', 0],
    [{ kind: 'status', status: 502, when: 'after', as: 'text' }, 'server_error', 1],
    [{ kind: 'html', status: 201, when: 'after' }, 'unreadable', 1],
    [{ kind: 'html', status: 503 }, 'server_error', 0],
    [{ kind: 'html', status: 200, when: 'after' }, 'unexpected_status', 1],
  ] as const)('%j', async (fault, reason, applied) => {
    simulator.control.addFault({ match: { endpoint: 'transfer' }, fault, times: 1 });
    expect(await sendOnce('faulty')).toMatchObject({ name: 'OutcomeUnknownError', reason });
    expect(appliedTransfers('faulty')).toBe(applied);
    // The only probe there is: the same id again.
    const again = await sendOnce('faulty');
    expect(again).toMatchObject(applied === 1 ? { name: 'RejectedError', status: 409 } : { externalId: 'faulty' });
    expect(appliedTransfers('faulty')).toBe(1);
  });

  it('a 429 did nothing', async () => {
    simulator.control.addFault({
      match: { endpoint: 'transfer' },
      fault: { kind: 'rate_limit', retryAfterSeconds: 0 },
      times: 1,
    });
    expect(await sendOnce('limited')).toMatchObject({ name: 'RetryableError', reason: 'rate_limited' });
    expect(appliedTransfers('limited')).toBe(0);
  });
});

it('a token revoked or expired midway is an error to no caller', async () => {
  await account.client.accessToken(MONEY);
  simulator.control.revokeTokens();
  const transfers = Array.from({ length: 20 }, (_, number) => account.client.transfer(wish(`revoked-${number}`, 1_000n), MONEY));
  expect(await Promise.all(transfers)).toHaveLength(20);
  // One token before, one after: the twenty share it.
  expect(simulator.control.truth().requestCounts.byEndpoint.token).toBe(2);
});

it('values nobody documented are kept and flagged', async () => {
  simulator.control.addFault({ match: { endpoint: 'availability' }, fault: { kind: 'unknown_enum', value: 'NAPPING' } });
  const operations = (await account.client.availability(PEOPLE)).flatMap(({ providers }) =>
    providers.flatMap(({ operationTypes }) => operationTypes),
  );
  expect(operations[0]).toMatchObject({ status: 'NAPPING', known: false });
});

it('several balance rows of one currency are several rows', async () => {
  simulator.control.addFault({ match: { endpoint: 'balance' }, fault: { kind: 'balance_rows' } });
  const rows = await account.client.balance(PEOPLE);
  expect(rows.filter(({ currency }) => currency === 'XAF').length).toBeGreaterThan(1);
});

it('many who look at a balance cost KPay one request', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => account.observations.balance(PEOPLE)));
  expect(all.every(({ askedAt }) => askedAt.getTime() === all[0]?.askedAt.getTime())).toBe(true);
  expect(simulator.control.truth().requestCounts.byEndpoint.balance).toBe(1);
});
