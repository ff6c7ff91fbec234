import type { Epoch, EpochWitness } from '../src/faces/worker.ts';

export interface MemoryEpochWitness extends EpochWitness {
  lose(): void;
}

/** An epoch witness that tests can read and lose. */
export function createMemoryEpochWitness(): MemoryEpochWitness {
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
