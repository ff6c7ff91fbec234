import { type Processor, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { queuePrefix, type TransferJobData, type TransferJobResult, transferQueueName } from '../src/index.ts';

export type Process = Processor<TransferJobData, TransferJobResult>;

/** The consumer of an account's queue in these tests: any BullMQ worker, with `process` in place of a ledger. */
export function startStandIn(redisUrl: string, account: string, process: Process = acceptAndSucceed): { close(): Promise<void> } {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const worker = new Worker(transferQueueName(account), process, { connection, prefix: queuePrefix(account) });
  for (const each of [connection, worker]) each.on('error', () => {});
  return {
    async close() {
      // A job that a test left open is not waited for.
      await worker.close(true);
      connection.disconnect();
    },
  };
}

export const acceptAndSucceed: Process = async (job) => {
  const transferId = `transfer-of-${job.data.externalId}`;
  await job.updateProgress({ accepted: transferId });
  return { transferId, state: 'succeeded', kpayTransferId: 'kpay-1', exchangeRate: '1', destinationAmount: '50000' };
};

/** Accepts, and ends when it is told how: with success, or with a reason to fail. */
export function endsWhenTold(): { process: Process; end: (reason?: string) => void } {
  const told = Promise.withResolvers<string | undefined>();
  return {
    process: async (job, token) => {
      const result = await acceptAndSucceed(job, token);
      const reason = await told.promise;
      if (reason !== undefined) {
        await job.updateProgress({ accepted: result.transferId, reasonCode: 'cancelled' });
        throw new UnrecoverableError(reason);
      }
      return result;
    },
    end: told.resolve,
  };
}
