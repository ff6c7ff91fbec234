import type { TransferRow } from '@kpay/ledger';

/** The corridor of a transfer, as `CMR-GAB`. */
export function corridorOf(transfer: Pick<TransferRow, 'source_country' | 'destination_country'>): string {
  return `${transfer.source_country}-${transfer.destination_country}`;
}
