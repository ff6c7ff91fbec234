import { repeat } from '@kpay/runtime';
import { type Business, findBusyAccounts, type Ledger } from '@kpay/transfers';

/** How late an account is noticed that had nothing to do, when nobody told of its new transfer. */
const LOOK_EVERY_MS = 250;

export interface BusyAccounts {
  /** What an account has to do; the most there can be while nobody has looked yet. */
  businessOf(account: string): Business | undefined;
  stop(): Promise<void>;
}

/**
 * Looks at all accounts of this worker in one statement, so that those with nothing to do cost nothing: each of them would be
 * asked a dozen times a second.
 */
export function watchBusy(
  ledger: Ledger,
  accounts: readonly string[],
  onError: (error: unknown) => void,
  onRound: () => void,
): BusyAccounts {
  // Stays as it was seen when it cannot be looked at anew: nobody else can then do anything with the ledger either.
  let busy: ReadonlyMap<string, Business> | undefined;
  const look = async () => {
    busy = await findBusyAccounts(ledger, accounts);
  };
  return {
    businessOf: (account) => (busy ? busy.get(account) : 'held'),
    stop: repeat(look, LOOK_EVERY_MS, onError, onRound),
  };
}
