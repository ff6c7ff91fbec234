import { describe, expect, it } from 'vitest';
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
