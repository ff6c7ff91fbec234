import type { Check } from './check.ts';

/** Holds a transfer until its notBefore. */
export const scheduleCheck: Check = {
  name: 'schedule',
  check(transfer, { now }) {
    const { not_before: notBefore } = transfer;
    if (notBefore === null || notBefore <= now) return { verdict: 'pass' };
    return { verdict: 'hold', code: 'not_before', reason: `not to be sent before ${notBefore.toISOString()}`, until: notBefore };
  },
};
