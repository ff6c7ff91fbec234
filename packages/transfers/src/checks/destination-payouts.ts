import type { CountryAvailability } from '@kpay/core';
import type { ReasonCode } from '../states/reasons.ts';
import type { Check } from './check.ts';

/** The reason code for a transfer into a country where no operator pays out. */
export const NO_PAYOUTS = 'destination_payouts_unavailable' satisfies ReasonCode;
// A reopened country wakes the transfer (holds/wake-by-rules.ts). Without that wake-up it is checked again after this
// time.
const RECHECK_AFTER_MS = 30 * 60_000;
const UNABLE = ['DELAYED', 'CLOSED'];

/**
 * Holds transfers into a country where KPay shows no operator as operational for payouts. The money could not be paid
 * out there, so it stays where it is.
 */
export const destinationPayoutsCheck: Check = {
  name: 'destination-payouts',
  // The check may wait for a slot of the budget, whose window is a minute.
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

/** The countries where no operator pays out now. */
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

/** A status or country that KPay does not show, or that is undocumented, counts as unknown and never as closed. */
function isClosed(statuses: Record<string, string>): boolean {
  const all = Object.values(statuses);
  return all.length > 0 && all.every((status) => UNABLE.includes(status));
}
