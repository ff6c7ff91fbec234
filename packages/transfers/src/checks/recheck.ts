import type { TransferRow } from '@kpay/ledger';

const MIN_MS = 60 * 60_000;

/**
 * When a transfer that waits for money or a rate is judged again at the latest: between one and two hours from now,
 * spread by its id so that 100,000 of them do not come back at once. It is only a net: what they wait for wakes them
 * (../wake), which costs nothing for those that must go on waiting.
 */
export function recheckAt({ kpay_external_id: id }: Pick<TransferRow, 'kpay_external_id'>, now: Date): Date {
  const spread = Number.parseInt(id.slice(0, 8), 16) / 0xffff_ffff;
  return new Date(now.getTime() + MIN_MS * (1 + spread));
}
