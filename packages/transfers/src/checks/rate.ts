import { compareRates } from '@kpay/core';
import type { Check } from './check.ts';
import { lookAgainAt } from './look-again.ts';

/** Holds a transfer that carries a minRate while the rate is below it. Without a minRate any rate passes. */
export const rateCheck: Check = {
  name: 'rate',
  // It may have to wait for a place in the rate limit, whose window is a minute.
  timeoutMs: 90_000,
  async check(transfer, { account, now, signal }) {
    const { min_rate: minRate, currency, destination_currency: to } = transfer;
    if (minRate === null) return { verdict: 'pass' };
    const observed = await account.observations.rate(currency, to, { lane: 'checks', signal });
    const { rate } = observed.value;
    const ageMs = account.clock.now() - observed.askedAt.getTime();
    const inputs = { rate: { from: currency, to, rate, minRate, ageMs } };
    if (compareRates(rate, minRate) >= 0) return { verdict: 'pass', inputs };
    return {
      verdict: 'hold',
      code: 'rate_below_minimum',
      reason: `waiting for the rate: ${currency} to ${to} is ${rate}, the transfer asks for at least ${minRate}`,
      until: lookAgainAt(transfer, now),
      inputs,
    };
  },
};
