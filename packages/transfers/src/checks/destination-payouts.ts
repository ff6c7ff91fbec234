import type { CountryAvailability } from '@kpay/core';
import type { ReasonCode } from '../states/reasons.ts';
import type { Check } from './check.ts';

/** The hold of a transfer into a country where nobody pays out. */
export const NO_PAYOUTS = 'destination_payouts_unavailable' satisfies ReasonCode;
// Opening wakes it (holds/wake-by-rules.ts); this is when it is looked at without having been woken.
const RECHECK_AFTER_MS = 30 * 60_000;
const UNABLE = ['DELAYED', 'CLOSED'];

/**
 * Holds transfers into a country none of whose operators KPay shows operational for payouts: money that cannot be
 * paid out there is better left where it is.
 */
export const destinationPayoutsCheck: Check = {
  name: 'destination-payouts',
  // It may have to wait for a place in the rate limit, whose window is a minute.
  timeoutMs: 90_000,
  async check({ destination_country: country }, { account, now, signal }) {
    const observed = await account.observations.availability({ lane: 'checks', signal });
    const statuses = payoutsIn(observed.value, country);
    const ageMs = account.clock.now() - observed.askedAt.getTime();
    const inputs = { payouts: { country, operators: statuses, ageMs } };
    if (!isClosed(statuses)) return { verdict: 'pass', inputs };
    const shown = Object.entries(statuses).map(([provider, status]) => `${provider} ${status}`);
    const reason = `waiting for payouts in ${country}: KPay shows no operator operational (${shown.join(', ')})`;
    return { verdict: 'hold', code: NO_PAYOUTS, reason, until: new Date(now.getTime() + RECHECK_AFTER_MS), inputs };
  },
};

/** The countries into which nothing can be paid out now. */
export function closedCountries(availability: readonly CountryAvailability[]): string[] {
  return [...new Set(availability.map(({ country }) => country))].filter((country) => isClosed(payoutsIn(availability, country)));
}

function payoutsIn(availability: readonly CountryAvailability[], country: string): Record<string, string> {
  const providers = availability.filter((row) => row.country === country).flatMap((row) => row.providers);
  const payouts = providers.flatMap(({ provider, operationTypes }) =>
    operationTypes.filter(({ operationType }) => operationType === 'PAYOUT').map(({ status }) => [provider, status]),
  );
  return Object.fromEntries(payouts);
}

/** A status or country that KPay does not show, or that nobody knows yet, is unknown and never closed. */
function isClosed(statuses: Record<string, string>): boolean {
  const all = Object.values(statuses);
  return all.length > 0 && all.every((status) => UNABLE.includes(status));
}
