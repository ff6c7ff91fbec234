import type { Ledger } from '@kpay/ledger';
import { queuePrefix } from '@kpay/producer';
import type { Queue } from 'bullmq';
import { type AdvanceJob, advanceQueueName } from '../queue/advance-queue.ts';
import { type RebuiltJobs, rebuildAdvanceQueue } from '../queue/sweep.ts';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { type FinishedRestore, finishRestore } from '../restore/finish-restore.ts';
import type { Resolution } from './resolve-review.ts';
import { type ResolvedReviews, type ReviewFilter, resolveReviews } from './resolve-reviews.ts';

/**
 * What a person does to the whole system from the command line: directly on the stores, or through the process that has
 * them.
 */
export interface Maintenance {
  finishRestore(by: { by: string; keyId?: string | undefined; unseen: boolean }): Promise<FinishedRestore>;
  settle(filter: ReviewFilter, resolution: Resolution): Promise<ResolvedReviews>;
  /** Makes the advance jobs of every account again. Safe while workers run. */
  rebuildQueue(): Promise<RebuiltQueue[]>;
}

export interface RebuiltQueue extends RebuiltJobs {
  account: string;
}

export interface MaintenanceOptions {
  ledger: Ledger;
  epochWitness: EpochWitness;
  /** The configured accounts. Others with due transfers in the ledger are included as well. */
  accounts: Iterable<string>;
  /** Opens a BullMQ queue by its name and prefix. */
  openQueue: (name: string, options: { prefix: string }) => Queue<AdvanceJob>;
}

export function createMaintenance({ ledger, epochWitness, accounts, openQueue }: MaintenanceOptions): Maintenance {
  return {
    finishRestore: (by) => finishRestore(ledger, epochWitness, by),
    settle: (filter, resolution) => resolveReviews(ledger, epochWitness, filter, resolution),
    async rebuildQueue() {
      const due = await ledger.db
        .selectFrom('kpay.transfers')
        .select('account')
        .distinct()
        .where('due_at', 'is not', null)
        .execute();
      const names = new Set([...accounts, ...due.map(({ account }) => account)]);
      const rebuilt: RebuiltQueue[] = [];
      for (const account of [...names].sort()) {
        const queue = openQueue(advanceQueueName(account), { prefix: queuePrefix(account) });
        rebuilt.push({ account, ...(await rebuildAdvanceQueue(ledger, account, queue).finally(() => queue.close())) });
      }
      return rebuilt;
    },
  };
}
