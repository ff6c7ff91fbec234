import type { KpayAccount, ObservationName } from '@kpay/core';
import type { Ledger } from '@kpay/transfers';

/** What a changed observation may let go. */
const HELD_FOR: Readonly<Partial<Record<ObservationName, string>>> = {
  balance: 'insufficient_funds',
  rate: 'rate_below_minimum',
};

/**
 * Makes held transfers due when what they wait for has changed, instead of at the end of their hold. The sweep finds
 * them, and judging them again costs KPay nothing. Those that KPay itself refused keep their backoff: its figure does
 * not tell which country's wallet grew, and each of them would be a send.
 *
 * @returns how to stop; what runs is waited for.
 */
export function wakeHeld(ledger: Ledger, account: KpayAccount, onError: (error: unknown) => void): () => Promise<void> {
  let waking = Promise.resolve();
  const stop = account.observations.onChange(({ observation, changed }) => {
    const code = HELD_FOR[observation];
    if (!changed || code === undefined) return;
    waking = waking.then(() => makeDue(ledger, account.name, code)).catch(onError);
  });
  return () => {
    stop();
    return waking;
  };
}

async function makeDue(ledger: Ledger, account: string, code: string): Promise<void> {
  await ledger.transaction((tx) =>
    tx.db
      .updateTable('kpay.transfers')
      .set({ due_at: tx.now })
      .where('account', '=', account)
      .where('state', '=', 'holding')
      .where('reason_code', '=', code)
      .where('refused_before', '=', false)
      .execute(),
  );
}
