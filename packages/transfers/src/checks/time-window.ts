import type { ReasonCode } from '../states/reasons.ts';
import type { Check } from './check.ts';
import { nextOpening, type SendWindow } from './send-window.ts';

/** The reason code for a transfer that waits for its account's sending hours. */
export const OUTSIDE_WINDOW = 'outside_send_window' satisfies ReasonCode;

/** Holds transfers outside their account's sending hours. */
export function timeWindowCheck(window: SendWindow): Check {
  const { days, from, to, timeZone } = window;
  return {
    name: 'time-window',
    check(_transfer, { now }) {
      const until = nextOpening(window, now);
      if (until === undefined) return { verdict: 'pass' };
      const reason = `outside the sending hours (${days.join(', ')} ${from} to ${to} in ${timeZone}), which begin again at ${until.toISOString()}`;
      return { verdict: 'hold', code: OUTSIDE_WINDOW, reason, until };
    },
  };
}
