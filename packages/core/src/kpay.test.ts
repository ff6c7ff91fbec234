import { inspect } from 'node:util';
import { createSimulator } from '@kpay/simulator';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startRawServer } from '../test/raw-server.ts';
import { type AccountSettings, Kpay, type KpayOptions, openKpayAccount } from './kpay.ts';
import { createMemoryStores } from './stores/stores.ts';

const SETTINGS: AccountSettings = {
  name: 'default',
  apiKey: 'kpay_test_abcdef0123456789',
  secretKey: 'secret',
  baseUrl: 'http://127.0.0.1:1',
  environment: 'TEST',
  rateLimitPerMinute: 10,
};

const KEYS = { apiKey: 'kpay_test_simulator', secretKey: 'simulator-secret' };
const TRANSFER = {
  sourceCountry: 'CMR',
  destinationCountry: 'GAB',
  amount: { amountMinor: 50_000n, currency: 'XAF' },
  externalId: 'invoice-1',
};

describe('new Kpay()', () => {
  async function simulate() {
    const simulator = await createSimulator({ port: 0 });
    const kpay = new Kpay({ ...KEYS, baseUrl: simulator.url });
    onTestFinished(async () => {
      await kpay.close();
      await simulator.close();
    });
    return { simulator, kpay };
  }

  it('asks each endpoint in one line, and moves money without an application id', async () => {
    const { simulator, kpay } = await simulate();
    expect(await kpay.transfer(TRANSFER)).toMatchObject({ externalId: 'invoice-1', notCompleted: null });
    expect(await kpay.transfer({ ...TRANSFER, externalId: 'invoice-2' })).toMatchObject({ externalId: 'invoice-2' });
    expect(simulator.control.truth().requestCounts.byEndpoint).toMatchObject({ me: 1, token: 1, transfer: 2 });
    expect(await kpay.me()).toMatchObject({ environment: 'TEST' });
    expect(await kpay.balance()).toContainEqual(expect.objectContaining({ currency: 'XAF' }));
    expect(await kpay.availability()).toContainEqual(expect.objectContaining({ country: 'CMR' }));
    expect(await kpay.exchangeRate('XAF', 'XOF')).toMatchObject({ from: 'XAF', to: 'XOF' });
    expect(await kpay.predictProvider('237653456789')).toMatchObject({ provider: 'MTN_MOMO_CMR' });
    expect(await kpay.accessToken()).toMatch(/./);
  });

  it("refuses another application's id once it knows its own, before any send", async () => {
    const { simulator, kpay } = await simulate();
    await kpay.me();
    const sent = simulator.control.truth().requests.length;
    const other = kpay.transfer({ ...TRANSFER, applicationId: 'e7c3b4f5-8d9e-4a1b-9c2d-3e4f5a6b7c8d' });
    await expect(other).rejects.toMatchObject({ code: 'invalid_argument', argument: 'applicationId' });
    expect(simulator.control.truth().requests).toHaveLength(sent);
  });

  it('reads keys and address from the environment, and its environment from the key', () => {
    vi.stubEnv('KPAY_API_KEY', ' kpay_live_0123 ');
    vi.stubEnv('KPAY_SECRET_KEY', 'secret-from-outside');
    vi.stubEnv('KPAY_BASE_URL', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(new Kpay().toJSON()).toEqual({
      name: 'default',
      baseUrl: 'https://admin.kpay.site',
      environment: 'PRODUCTION',
      rateLimitPerMinute: 100,
    });
    vi.stubEnv('KPAY_BASE_URL', 'ftp://x');
    expect(() => new Kpay()).toThrow('baseUrl (from KPAY_BASE_URL) must be an http or https address');
    expect(new Kpay({ ...KEYS, baseUrl: 'http://127.0.0.1:1' })).toMatchObject({ environment: 'TEST' });
  });

  it('shows no key to a log', () => {
    const kpay = new Kpay({ apiKey: 'kpay_test_visible', secretKey: 'very-secret-0123' });
    for (const text of [inspect(kpay, { depth: 10 }), JSON.stringify(kpay)]) {
      expect(text).not.toMatch(/kpay_test_visible|very-secret/);
    }
  });

  it.each<[KpayOptions, string]>([
    [{ secretKey: 'x' }, 'apiKey is missing: give it, or set KPAY_API_KEY'],
    [{ apiKey: 'kpay_test_1' }, 'secretKey is missing: give it, or set KPAY_SECRET_KEY'],
    [{ ...KEYS, apiKey: 'sk_test_1' }, 'apiKey must start with kpay_test_ or kpay_live_'],
    [{ ...KEYS, apiKey: null as never }, 'apiKey must be a string, not null'],
    [{ ...KEYS, secretKey: 'two\nlines' }, 'secretKey must have 1 to 2,000 printable ASCII characters'],
    [{ ...KEYS, environment: 'PRODUCTION' }, 'apiKey is a test key, so environment must be TEST, not PRODUCTION'],
    [{ ...KEYS, baseUrl: 'http://user:password@x' }, 'baseUrl must be an http or https address without a password'],
    [{ ...KEYS, timeoutMs: 60_000 }, 'timeoutMs must be from 1 to 50000'],
    [{ ...KEYS, maxWaitMs: Number.NaN }, 'maxWaitMs must be 0 or more'],
    [{ ...KEYS, name: 'Not Allowed' }, 'name must have 1 to 32'],
    [{ ...KEYS, onCall: 'log' as never }, 'onCall must be a function'],
    [{ ...KEYS, apikey: 'x' } as never, 'options.apikey is not known'],
    [null as never, 'options must be an object'],
  ])('with %j is refused', (options, message) => {
    expect(() => new Kpay(options)).toThrow(
      expect.objectContaining({ code: 'invalid_settings', message: expect.stringContaining(message) }),
    );
  });

  it('ends every call after close() with a ClosedError', async () => {
    const { kpay } = await simulate();
    await kpay.observations.balance();
    await kpay.close();
    for (const call of [
      () => kpay.balance(),
      () => kpay.accessToken(),
      () => kpay.transfer(TRANSFER),
      () => kpay.prepareTransfer(),
      () => kpay.observations.balance(),
      () => kpay.budget.take('money'),
      () => kpay.changeKeys(KEYS, async () => {}),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'ClosedError', code: 'closed' });
    }
  });
});

describe('an account whose keys change', () => {
  const next = { apiKey: 'kpay_test_next', secretKey: 'next-secret' };

  async function open() {
    const rows = [{ currency: 'XAF', balance: 1, reservedBalance: 0, availableBalance: 1 }];
    const server = await startRawServer((request) => request.reply(200, request.path.includes('balance') ? rows : []));
    const account = openKpayAccount({ ...SETTINGS, baseUrl: server.baseUrl });
    onTestFinished(async () => {
      await account.close();
      await server.close();
    });
    const keys = () => server.requests.map(({ headers }) => headers['x-api-key']);
    return { account, keys };
  }

  it('uses the new ones everywhere, with their own budget, also through kept methods', async () => {
    const { account, keys } = await open();
    const { balance } = account.observations;
    const { remaining } = account.budget;
    await balance({ lane: 'people' });
    expect(await remaining()).toBe(9);
    await account.changeKeys(next, (candidate) => candidate.budget.seed(['a', 'b'].map((attempt) => ({ attempt, ageMs: 0 }))));
    expect(await remaining()).toBe(8);
    // What was observed before is shown until there is something newer.
    expect((await account.observations.peekBalance())?.value).toHaveLength(1);
    await balance({ lane: 'people' });
    expect(keys()).toEqual([SETTINGS.apiKey, next.apiKey]);
  });

  it('goes on with the old ones when the check refuses, or when they cannot work', async () => {
    const { account, keys } = await open();
    const refuse = () => Promise.reject(new Error('of another application'));
    await expect(account.changeKeys(next, refuse)).rejects.toThrow('of another application');
    await expect(account.changeKeys({ ...next, apiKey: 'kpay_live_x' }, async () => {})).rejects.toThrow(/live key/);
    await account.observations.balance({ lane: 'people' });
    expect(keys()).toEqual([SETTINGS.apiKey]);
  });

  it('tells those who wait for budget of the old key to ask again', async () => {
    const { account } = await open();
    for (let slot = 0; slot < 10; slot += 1) await account.budget.take('money', { maxWaitMs: 0 }).catch(() => {});
    const waiting = account.client.balance({ lane: 'money' });
    await account.changeKeys(next, async () => {});
    await expect(waiting).rejects.toMatchObject({ code: 'keys_changed' });
    expect(await account.client.balance({ lane: 'money' })).toHaveLength(1);
  });
});

describe('accounts with the same stores', () => {
  it('share one budget when they share an API key, and only then', async () => {
    const stores = createMemoryStores();
    const first = openKpayAccount(SETTINGS, { stores });
    const second = openKpayAccount({ ...SETTINGS, name: 'second' }, { stores });
    const other = openKpayAccount({ ...SETTINGS, name: 'other', apiKey: 'kpay_test_other' }, { stores });
    await first.budget.take('money');
    expect(await second.budget.remaining()).toBe(9);
    expect(await other.budget.remaining()).toBe(10);
    await Promise.all([first.close(), second.close(), other.close()]);
  });

  it('share tokens and observations when they share key and address', async () => {
    const server = await startRawServer((request) => request.reply(200, []));
    const stores = createMemoryStores();
    const settings = { ...SETTINGS, baseUrl: server.baseUrl };
    const first = openKpayAccount(settings, { stores });
    const second = openKpayAccount({ ...settings, name: 'second' }, { stores });
    await first.observations.balance({ lane: 'people' });
    await second.observations.balance({ lane: 'people' });
    expect(server.requests).toHaveLength(1);
    await Promise.all([first.close(), second.close(), server.close()]);
  });

  it('never hand a store a secret as a key', () => {
    const keys: string[] = [];
    const stores = createMemoryStores();
    openKpayAccount(SETTINGS, {
      stores: {
        budget: (key) => {
          keys.push(key);
          return stores.budget(key);
        },
        shared: (key) => {
          keys.push(key);
          return stores.shared(key);
        },
      },
    });
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});

it.each([
  { name: 'Not Allowed' },
  { name: '' },
  { name: 'x'.repeat(33) },
  { rateLimitPerMinute: 0 },
  { rateLimitPerMinute: 1.5 },
  { apiKey: 'kpay_live_1' },
])('%j is refused', (wrong) => {
  expect(() => openKpayAccount({ ...SETTINGS, ...wrong })).toThrow(expect.objectContaining({ name: 'InvalidSettingsError' }));
});
