import { describe, expect, it } from 'vitest';
import { Problem } from '../problems/problem.ts';
import { type Bounds, keyWithin, type WantedKey } from './bounds.ts';

const end = new Date('2030-01-01T00:00:00Z');
const maker: Bounds = {
  owner: 'ops',
  mayMakeFor: ['till'],
  scopes: ['read', 'keys'],
  accounts: ['west', 'east'],
  addressRanges: ['10.0.0.0/8', '2001:db8::/32'],
  spendLimits: [
    { currency: 'XAF', amountMinor: 1_000n, hours: 24 },
    { currency: 'KES', amountMinor: 500n, hours: 24 },
  ],
  requestsPerMinute: 100,
  usualRequestsPerMinute: 600,
  expiresAt: end,
};
const unbound: Bounds = {
  ...maker,
  accounts: null,
  addressRanges: null,
  spendLimits: null,
  requestsPerMinute: null,
  expiresAt: null,
};
const asked: WantedKey = { name: 'a', scopes: ['read'] };
const xaf = (amountMinor: bigint, hours: number) => ({ spendLimits: [{ currency: 'XAF', amountMinor, hours }] });

describe('a key', () => {
  it('has the bounds of its maker where none are asked for', () => {
    const { mayMakeFor: _, usualRequestsPerMinute: __, ...bounds } = maker;
    expect(keyWithin(asked, maker)).toEqual({ ...bounds, ...asked, mayMakeFor: null });
    expect(keyWithin(asked, unbound)).toMatchObject({
      accounts: null,
      spendLimits: null,
      requestsPerMinute: null,
      expiresAt: null,
    });
  });

  it.each<[string, Partial<WantedKey>]>([
    ['scopes', { scopes: ['read', 'control'] }],
    ['owner', { owner: 'somebody' }],
    ['mayMakeFor', { mayMakeFor: ['somebody'] }],
    ['mayMakeFor', { mayMakeFor: ['*'] }],
    ['accounts', { accounts: ['west', 'north'] }],
    ['addressRanges', { addressRanges: ['10.0.0.0/7'] }],
    ['addressRanges', { addressRanges: ['10.1.0.0/16', '11.0.0.0/16'] }],
    ['addressRanges', { addressRanges: ['0.0.0.0/0'] }],
    ['addressRanges', { addressRanges: ['::/0'] }],
    ['addressRanges', { addressRanges: ['::ffff:10.0.0.0/103'] }],
    ['addressRanges', { addressRanges: ['10.0.0.1/1'] }],
    ['spendLimits', xaf(1_001n, 24)],
    ['spendLimits', xaf(1_000n, 23)],
    ['spendLimits', { spendLimits: [{ currency: 'UGX', amountMinor: 1n, hours: 24 }] }],
    ['requestsPerMinute', { requestsPerMinute: 101 }],
    ['expiresAt', { expiresAt: new Date(end.getTime() + 1) }],
  ])('never goes beyond its maker in %s (%#)', (field, changes) => {
    const made = () => keyWithin({ ...asked, ...changes }, maker);
    expect(made).toThrow(Problem);
    expect(made).toThrow(
      expect.objectContaining({ code: 'forbidden', denial: 'bound', message: expect.stringMatching(`^${field}: `) }),
    );
  });

  it.each<[Partial<WantedKey>]>([
    [{ owner: 'ops' }],
    [{ owner: 'till', mayMakeFor: ['till', 'ops'] }],
    [{ accounts: ['east'] }],
    [{ addressRanges: ['10.1.2.3', '10.0.0.0/8', '2001:db8:1::/48'] }],
    [{ addressRanges: ['::ffff:10.1.0.0/112'] }],
    [xaf(1_000n, 24)],
    [xaf(1n, 48)],
    [{ requestsPerMinute: 100 }],
    [{ expiresAt: end }],
  ])('goes as far as its maker (%#)', (changes) => {
    expect(keyWithin({ ...asked, ...changes }, maker)).toMatchObject(changes);
  });

  it('of a maker without a rate of its own asks as often as the setting says at most', () => {
    expect(keyWithin({ ...asked, requestsPerMinute: 600 }, unbound).requestsPerMinute).toBe(600);
    expect(() => keyWithin({ ...asked, requestsPerMinute: 601 }, unbound)).toThrow(
      'requestsPerMinute: must be at most yours, 600',
    );
  });

  it('of a maker for everybody is anybody’s', () => {
    expect(keyWithin({ ...asked, owner: 'somebody' }, { ...maker, mayMakeFor: ['*'] }).owner).toBe('somebody');
  });
});
