import { describe, expect, it, onTestFinished } from 'vitest';
import { startRawServer } from '../test/raw-server.ts';
import { type AccountSettings, createMemoryStores, openKpayAccount } from './open-account.ts';

const SETTINGS: AccountSettings = {
  name: 'default',
  apiKey: 'kpay_test_abcdef0123456789',
  secretKey: 'secret',
  baseUrl: 'http://127.0.0.1:1',
  environment: 'TEST',
  rateLimitPerMinute: 10,
};

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

  it('uses the new ones everywhere, with a budget of their own, also for those who hold only a method of it', async () => {
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
    await expect(account.changeKeys({ ...next, apiKey: 'kpay_live_x' }, async () => {})).rejects.toThrow(/KPAY_ENVIRONMENT/);
    await account.observations.balance({ lane: 'people' });
    expect(keys()).toEqual([SETTINGS.apiKey]);
  });

  it('tells those who wait for budget of the old key to ask again', async () => {
    const { account } = await open();
    for (let slot = 0; slot < 10; slot += 1) await account.budget.take('money', { maxWaitMs: 0 }).catch(() => {});
    const waiting = account.client.balance({ lane: 'money' });
    await account.changeKeys(next, async () => {});
    await expect(waiting).rejects.toMatchObject({ reason: 'aborted' });
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
  expect(() => openKpayAccount({ ...SETTINGS, ...wrong })).toThrow(expect.objectContaining({ name: 'InvalidSettings' }));
});
