import { formatAmount } from '@kpay/core';
import type { KeyLimit } from '@kpay/transfers';
import { Problem } from '../problems/problem.ts';
import { liesWithin } from './address-ranges.ts';
import type { Scope } from './scopes.ts';

/** In `mayMakeFor`: every owner. */
export const ANYBODY = '*';

/** A key to be made. Null means no bound. */
export interface NewKey {
  name: string;
  owner: string;
  scopes: readonly Scope[];
  /** The accounts that it reaches. */
  accounts: readonly string[] | null;
  /** The other owners for which it may make keys. Null: none. */
  mayMakeFor: readonly string[] | null;
  addressRanges: readonly string[] | null;
  spendLimits: readonly KeyLimit[] | null;
  /** Null: the setting applies. */
  requestsPerMinute: number | null;
  expiresAt: Date | null;
}

/** The request for a new key. A bound that is left out is taken from its maker. */
export type WantedKey = Pick<NewKey, 'name' | 'scopes'> & {
  [Field in Exclude<keyof NewKey, 'name' | 'scopes'>]?: NewKey[Field] | undefined;
};

/** What a maker may do itself, which bounds its keys. */
export type Bounds = Omit<NewKey, 'name'> & {
  /** KPAY_API_REQUESTS_PER_MINUTE, for a maker without a rate limit of its own. */
  usualRequestsPerMinute: number;
};

/** Whether a maker with this owner and `mayMakeFor` may make keys for `another`. */
export function isMakerFor({ owner, mayMakeFor }: Pick<Bounds, 'owner' | 'mayMakeFor'>, another: string): boolean {
  return another === owner || (mayMakeFor?.some((each) => each === ANYBODY || each === another) ?? false);
}

/**
 * The requested key, within its maker's bounds.
 *
 * @throws Problem (403) naming the field that exceeds the maker's bound, and the bound.
 */
export function keyWithin(wanted: WantedKey, maker: Bounds): NewKey {
  const { name, owner = maker.owner, mayMakeFor = null } = wanted;
  const missing = wanted.scopes.filter((scope) => !maker.scopes.includes(scope));
  if (missing.length > 0) throw exceeded('scopes', `your own key lacks the scope ${missing.join(', ')}`);
  for (const [field, asked] of Object.entries({ owner: [owner], mayMakeFor: mayMakeFor ?? [] })) {
    if (asked.every((each) => isMakerFor(maker, each))) continue;
    throw exceeded(field, `you make keys for ${[maker.owner, ...(maker.mayMakeFor ?? [])].join(', ')} only`);
  }
  // A token can reach no account, but a key must reach at least one.
  if (maker.accounts?.length === 0) throw exceeded('accounts', 'you reach none');
  return {
    name,
    owner,
    scopes: wanted.scopes,
    accounts: within(wanted.accounts, maker.accounts, {
      field: 'accounts',
      fits: (account, bounds) => bounds.includes(account),
      bound: (bounds) => `you reach ${bounds.join(', ')} only`,
    }),
    mayMakeFor,
    addressRanges: within(wanted.addressRanges, maker.addressRanges, {
      field: 'addressRanges',
      fits: (range, bounds) => bounds.some((bound) => liesWithin(range, bound)),
      bound: (bounds) => `each must lie within one of yours: ${bounds.join(', ')}`,
    }),
    spendLimits: within(wanted.spendLimits, maker.spendLimits, {
      field: 'spendLimits',
      fits: (limit, bounds) => bounds.some((bound) => isNoLooser(limit, bound)),
      bound: (bounds) =>
        `each must have no larger amount and no shorter time than one of yours: ${bounds.map(describe).join(', ')}`,
    }),
    requestsPerMinute: rateWithin(wanted, maker),
    expiresAt: endWithin(wanted, maker),
  };
}

/** For lists: a list that is left out is the maker's, and each requested item must fit into the maker's. */
function within<T>(
  asked: readonly T[] | null | undefined,
  maker: readonly T[] | null,
  { field, fits, bound }: { field: string; fits(one: T, maker: readonly T[]): boolean; bound(maker: readonly T[]): string },
): readonly T[] | null {
  if (maker === null || asked === undefined || asked === null) return asked ?? maker;
  if (!asked.every((one) => fits(one, maker))) throw exceeded(field, bound(maker));
  return asked;
}

/** Whether a limit allows at most as much, in the same time or longer. */
function isNoLooser(limit: KeyLimit, bound: KeyLimit): boolean {
  return limit.currency === bound.currency && limit.amountMinor <= bound.amountMinor && limit.hours >= bound.hours;
}

function rateWithin({ requestsPerMinute: asked }: WantedKey, maker: Bounds): number | null {
  const most = maker.requestsPerMinute ?? maker.usualRequestsPerMinute;
  if (asked === undefined || asked === null) return maker.requestsPerMinute;
  if (asked > most) throw exceeded('requestsPerMinute', `must be at most yours, ${most}`);
  return asked;
}

function endWithin({ expiresAt: asked }: WantedKey, { expiresAt: end }: Bounds): Date | null {
  if (end === null || asked === undefined || asked === null) return asked ?? end;
  if (asked > end) throw exceeded('expiresAt', `must be at most ${end.toISOString()}, which is the latest that you may give`);
  return asked;
}

function describe({ currency, amountMinor, hours }: KeyLimit): string {
  return `${formatAmount({ amountMinor, currency })} ${currency} in ${hours} hours`;
}

function exceeded(field: string, bound: string): Problem {
  return new Problem('forbidden', `${field}: ${bound}.`, { pointer: `/${field}`, denial: 'bound' });
}
