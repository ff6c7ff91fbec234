import type { Logger } from '@kpay/runtime';
import { PinMismatch, type TransferRow } from '@kpay/transfers';
import { advanceTransfer, type Hint, type TransferEngine } from '@kpay/transfers/worker';
import type { Processor } from 'bullmq';

interface AdvanceProcessorOptions {
  /** Aborted when the worker stops: what only waits gives up. */
  signal: AbortSignal;
  /** Told of each transfer that this process took on. */
  onMoved: (transfer: TransferRow) => Promise<void>;
  /** Told once when the account turns out to be another KPay than the ledger's. */
  onMismatch: (mismatch: PinMismatch) => Promise<void>;
  logger: Logger;
}

/** The processor of an account's hints: takes the transfer one step on. It never fails: what is due stays due. */
export function createAdvanceProcessor(engine: TransferEngine, options: AdvanceProcessorOptions): Processor<Hint, void> {
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
