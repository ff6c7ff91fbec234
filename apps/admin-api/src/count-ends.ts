import { isFinal, type TransferRow, transferStates } from '@kpay/transfers';
import { Counter, type Registry } from 'prom-client';

/**
 * kpay_transfers_finished_total, as a worker counts it: here of the transfers that people ended, by cancelling or resolving
 * them. Each process counts its own doing, so that their sum counts each end once.
 */
export function countEnds(registry: Registry, accounts: Iterable<string>): (transfer: TransferRow) => void {
  const finished = new Counter({
    name: 'kpay_transfers_finished_total',
    help: 'Transfers that came to their end in this process, by final state.',
    labelNames: ['account', 'state'],
    registers: [registry],
  });
  // Seeded, so that the first one is seen as an increase.
  for (const account of accounts) {
    for (const state of transferStates.filter(isFinal)) finished.inc({ account, state }, 0);
  }
  return ({ account, state, finished_at: finishedAt }) => {
    if (finishedAt) finished.inc({ account, state });
  };
}
