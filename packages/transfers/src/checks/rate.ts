import { compareRates, RejectedError } from '@kpay/core';
import type { Check } from './check.ts';
import { recheckAt } from './recheck.ts';

/** Holds a transfer with a minRate while the rate is below it. A transfer without a minRate passes at any rate. */
export const rateCheck: Check = {
  name: 'rate',
  // The check may wait for a slot of the budget, whose window is a minute.
  timeoutMs: 90_000,
  async check(transfer, { account, now, signal }) {
    const { min_rate: minRate, currency, destination_currency: to } = transfer;
    if (minRate === null) return { verdict: 'pass' };
    const observed = await account.observations.rate(currency, to, { lane: 'checks', signal }).catch(refusal);
    if (observed instanceof RejectedError) {
      // Held like a transfer whose rate is too low. So one read wakes all that wait for this pair.
      return {
        verdict: 'hold',
        code: 'rate_below_minimum',
        reason: `waiting for the rate: KPay gives none for ${currency} to ${to} (${observed.status})`,
        until: recheckAt(transfer, now),
      };
    }
    const { rate } = observed.value;
    const ageMs = account.clock.now() - observed.askedAt.getTime();
    const inputs = { rate: { from: currency, to, rate, minRate, ageMs } };
    if (compareRates(rate, minRate) >= 0) return { verdict: 'pass', inputs };
    return {
      verdict: 'hold',
      code: 'rate_below_minimum',
      reason: `waiting for the rate: ${currency} to ${to} is ${rate}, the transfer asks for at least ${minRate}`,
      until: recheckAt(transfer, now),
      inputs,
    };
  },
};

/** KPay's refusal of the pair itself. Any other error says nothing about the pair. */
function refusal(error: unknown): RejectedError {
  if (error instanceof RejectedError && (error.status === 400 || error.status === 404)) return error;
  throw error;
}
