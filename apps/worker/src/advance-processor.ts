import type { Logger } from '@kpay/runtime';
import { PinMismatch, type TransferRow } from '@kpay/transfers';
import { type AdvanceJob, advanceTransfer, type TransferEngine } from '@kpay/transfers/worker';
import type { Processor } from 'bullmq';

interface AdvanceProcessorOptions {
  /** Aborted when the worker stops. Steps that only wait give up. */
  signal: AbortSignal;
  /** Called with each transfer that this process advanced. */
  onMoved: (transfer: TransferRow) => Promise<void>;
  /** Called once when KPay's application is not the one that the ledger has stored for this account. */
  onMismatch: (mismatch: PinMismatch) => Promise<void>;
  logger: Logger;
}

/** Processes an account's advance jobs: each one takes a transfer one step further. A job never fails, because a transfer that is due stays due in the ledger. */
export function createAdvanceProcessor(engine: TransferEngine, options: AdvanceProcessorOptions): Processor<AdvanceJob, void> {
  const { signal, onMoved, onMismatch, logger } = options;
  const account = engine.account.name;
  let mismatched = false;

  async function onError(error: unknown, transferId: string): Promise<void> {
    if (signal.aborted) return;
    if (!(error instanceof PinMismatch))
      return logger.error({ err: error, account, transferId }, 'a transfer could not be advanced');
    if (mismatched) return;
    mismatched = true;
    await onMismatch(error);
  }

  return async ({ data: { transferId } }) => {
    try {
      const transfer = await advanceTransfer(engine, transferId, signal);
      if (transfer) await onMoved(transfer);
    } catch (error) {
      await onError(error, transferId);
    }
  };
}
