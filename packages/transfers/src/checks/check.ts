import type { KpayAccount } from '@kpay/core';
import type { Ledger, TransferRow } from '@kpay/ledger';

/** A check's answer about a transfer that is about to be sent. The tag is `verdict`, not `kind`, because plugins use it. */
export type CheckVerdict =
  /** `inputs`: the data behind the decision and its age; stored with the decision. */
  | { verdict: 'pass'; inputs?: Record<string, unknown> }
  /** Not now. The transfer is checked again at `until` at the latest. */
  | { verdict: 'hold'; code: string; reason: string; until: Date; inputs?: Record<string, unknown> }
  /** Never. The transfer fails, and nothing was sent. */
  | { verdict: 'reject'; code: string; reason: string; inputs?: Record<string, unknown> };

export interface CheckContext {
  account: KpayAccount;
  ledger: Ledger;
  /** The ledger's time. */
  now: Date;
  signal: AbortSignal;
}

/** Checks a transfer before each first send. Checks run in order; the first that does not pass decides. */
export interface Check {
  name: string;
  /** The transfer is held when the check takes longer; 5 s by default. */
  timeoutMs?: number;
  check(transfer: TransferRow, context: CheckContext): CheckVerdict | Promise<CheckVerdict>;
}
