import type { TransferRow } from '@kpay/ledger';

const MIN_MS = 60 * 60_000;

/**
 * The latest time at which a transfer that waits for money or a rate is checked again: in one to two hours, spread by
 * its id so that 100,000 of them do not come back at once. This is only a safety net. The arrival of the money or the
 * rate wakes them earlier (../holds), at no cost for those that must go on waiting.
 */
export function recheckAt({ kpay_external_id: id }: Pick<TransferRow, 'kpay_external_id'>, now: Date): Date {
  const spread = Number.parseInt(id.slice(0, 8), 16) / 0xffff_ffff;
  return new Date(now.getTime() + MIN_MS * (1 + spread));
}
