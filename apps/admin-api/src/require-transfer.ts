import { findTransfer, type Ledger, type TransferRow } from '@kpay/transfers';
import type { Request } from 'express';
import { z } from 'zod';
import { Problem } from './problem.ts';

/** The transfer that the path names. @throws Problem (404) when there is none. */
export async function requireTransfer(ledger: Ledger, request: Request): Promise<TransferRow> {
  const id = z.uuid().safeParse(request.params.id);
  const transfer = id.success ? await findTransfer(ledger, id.data) : undefined;
  if (!transfer) throw new Problem('not_found', 'There is no transfer with this id.');
  return transfer;
}
