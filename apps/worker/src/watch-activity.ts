import { repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import { type AccountActivity, findAccountActivity } from '@kpay/transfers/worker';

/** How soon the first transfer of an idle account is noticed without an advance job. */
const POLL_EVERY_MS = 250;

export interface ActivityWatch {
  /** What an account has to do. Before the first read it is `held`, which needs the most work. */
  activityOf(account: string): AccountActivity | undefined;
  stop(): Promise<void>;
}

/**
 * Reads what all accounts of this worker have to do in one statement, so that idle accounts cost nothing (decision 0036).
 */
export function watchActivity(
  ledger: Ledger,
  accounts: readonly string[],
  onError: (error: unknown) => void,
  onRound: () => void,
): ActivityWatch {
  // Keeps the last value when a read fails, because the rest of the worker cannot use the ledger then either.
  let activity: ReadonlyMap<string, AccountActivity> | undefined;
  const poll = async () => {
    activity = await findAccountActivity(ledger, accounts);
  };
  return {
    activityOf: (account) => (activity ? activity.get(account) : 'held'),
    stop: repeat(poll, POLL_EVERY_MS, onError, onRound),
  };
}
