import type { KpayAccount } from '@kpay/core';
import type { Ledger, TransferRow } from '@kpay/ledger';

/** What a check says of a transfer that is about to be sent. The tag is `verdict`, not `kind`: plugins answer with it. */
export type CheckVerdict =
  /** `inputs`: what it was decided on and how old that was, kept with the decision. */
  | { verdict: 'pass'; inputs?: Record<string, unknown> }
  /** Not now: looked at again at `until` at the latest. */
  | { verdict: 'hold'; code: string; reason: string; until: Date; inputs?: Record<string, unknown> }
  /** Never: the transfer fails, nothing was sent. */
  | { verdict: 'reject'; code: string; reason: string; inputs?: Record<string, unknown> };

export interface CheckContext {
  account: KpayAccount;
  ledger: Ledger;
  /** The ledger's time. */
  now: Date;
  signal: AbortSignal;
}

/** Looks at a transfer before each first send. Checks run in order; the first that does not pass decides. */
export interface Check {
  name: string;
  /** Longer than this and the transfer is held; 5 s unless given. */
  timeoutMs?: number;
  check(transfer: TransferRow, context: CheckContext): CheckVerdict | Promise<CheckVerdict>;
}
