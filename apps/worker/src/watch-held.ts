import { type KpayAccount, KpayError } from '@kpay/core';
import { repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import { wakeFunded, wakeRated } from '@kpay/transfers/worker';

/** The maximum ages of the balance and the rates before they are read again. */
export interface ObservationPace {
  balance: number;
  rate: number;
}

const MAX_POLL_INTERVAL_MS = 500;
// A value is read this long before its interval ends, so that noticing it and starting a transfer still fit into the
// interval.
const MAX_MARGIN_MS = 1_000;
// After KPay did not give the balance or a rate, it is not asked again at every poll.
const READ_AGAIN_MS = 5_000;

/**
 * Makes held transfers due as soon as the money or rate that they wait for is there. A poll reads the ledger and the
 * observations that all processes share. KPay is read once in each interval, by whichever process comes first, however
 * many transfers wait.
 *
 * @param onWoken called after transfers were made due.
 * @param whenHeld skips a poll while the account holds nothing.
 * @returns a function that stops it and waits for a running poll.
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
        // The processes that send report that KPay does not answer.
        if (!(error instanceof KpayError)) throw error;
        notBeforeMs = account.clock.monotonicMs() + Math.min(READ_AGAIN_MS, intervalMs);
      }
    };
    return repeat(whenHeld(poll), pollEveryMs, onError);
  });
  return async () => void (await Promise.all(stoppers.map((stop) => stop())));
}
