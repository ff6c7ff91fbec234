import { findTransfer, type Ledger, type TransferRow } from '@kpay/transfers';
import { z } from 'zod';
import { Problem } from './problem.ts';

/** The transfer with this id. @throws Problem (404) when there is none. */
export async function requireTransfer(ledger: Ledger, id: string): Promise<TransferRow> {
  const parsed = z.uuid().safeParse(id);
  const transfer = parsed.success ? await findTransfer(ledger, parsed.data) : undefined;
  if (!transfer) throw new Problem('not_found', 'There is no transfer with this id.');
  return transfer;
}
