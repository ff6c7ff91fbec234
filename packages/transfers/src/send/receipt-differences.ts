import type { TransferReceipt } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';

/**
 * Lists where a receipt differs from the transfer, one short sentence each; empty when they agree. KPay documents these
 * fields but guarantees none, so a missing field is no difference.
 */
export function receiptDifferences(transfer: TransferRow, receipt: TransferReceipt): string[] {
  const { sourceTransaction: source, destinationTransaction: destination } = receipt;
  const asked = `${transfer.amount_minor} ${transfer.currency}`;
  const left = source?.amount && `${source.amount.amountMinor} ${source.amount.currency}`;
  const compared = [
    ['externalId', transfer.kpay_external_id, receipt.externalId],
    ['amount sent, in minor units', asked, left],
    ['currency received', transfer.destination_currency, destination?.amount?.currency],
    ['source country', transfer.source_country, source?.country],
    ['destination country', transfer.destination_country, destination?.country],
  ] as const;
  return compared
    .filter(([, wanted, got]) => got != null && got !== wanted)
    .map(([field, wanted, got]) => `${field}: ${wanted} was asked, the receipt says ${String(got).slice(0, 80)}`);
}
