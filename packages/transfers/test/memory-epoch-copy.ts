import type { Epoch, EpochCopy } from '../src/index.ts';

export interface MemoryEpochCopy extends EpochCopy {
  lose(): void;
}

/** A copy of the ledger's epoch that tests look at, and can lose. */
export function createMemoryEpochCopy(): MemoryEpochCopy {
  let there: Epoch | undefined;
  return {
    where: 'memory',
    read: async () => there,
    async write(epoch) {
      if (!there || (there.ledgerId === epoch.ledgerId && there.epoch < epoch.epoch)) there = epoch;
    },
    async replace(epoch) {
      there = epoch;
    },
    lose() {
      there = undefined;
    },
  };
}
