import { type KpayAccount, KpayError } from '@kpay/core';
import { repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import { wakeFunded, wakeRated } from '@kpay/transfers/worker';

/** How old the balance and the rates become before they are read again. */
export interface ObservationPace {
  balance: number;
  rate: number;
}

const MAX_POLL_INTERVAL_MS = 500;
// A value is read so much before its interval ends that noticing it and starting a transfer fit into the interval.
const MAX_MARGIN_MS = 1_000;
// KPay did not give the balance or a rate. It is not asked again at every look.
const READ_AGAIN_MS = 5_000;

/**
 * Makes held transfers due as soon as what they wait for is there. Looking is a matter of the ledger and of the
 * observations that all processes share: KPay is read once in an interval, by whoever comes first, however many wait.
 *
 * @param onWoken called after something was made due.
 * @param whenHeld lets a look be while nothing of the account is held.
 * @returns how to stop; what runs is waited for.
 */
export function watchHeld(
  ledger: Ledger,
  account: KpayAccount,
  everyMs: ObservationPace,
  onWoken: () => Promise<void>,
  whenHeld: (poll: (signal: AbortSignal) => Promise<void>) => (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const wakers = [
    { wake: wakeFunded, everyMs: everyMs.balance },
    { wake: wakeRated, everyMs: everyMs.rate },
  ];
  const stoppers = wakers.map(({ wake, everyMs: intervalMs }) => {
    const pollEveryMs = Math.min(MAX_POLL_INTERVAL_MS, intervalMs / 60);
    const maxAgeMs = intervalMs - Math.min(MAX_MARGIN_MS, intervalMs / 10);
    let notBeforeMs = Number.NEGATIVE_INFINITY;
    const poll = async (signal: AbortSignal) => {
      if (account.clock.monotonicMs() < notBeforeMs) return;
      try {
        if ((await wake(ledger, account, maxAgeMs, signal)) > 0) await onWoken();
      } catch (error) {
        // A KPay that does not answer is told of by whoever has to send.
        if (!(error instanceof KpayError)) throw error;
        notBeforeMs = account.clock.monotonicMs() + Math.min(READ_AGAIN_MS, intervalMs);
      }
    };
    return repeat(whenHeld(poll), pollEveryMs, onError);
  });
  return async () => void (await Promise.all(stoppers.map((stop) => stop())));
}
