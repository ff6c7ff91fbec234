/** A ledger's id and its epoch. */
export interface Epoch {
  ledgerId: string;
  epoch: number;
}

/**
 * A copy of the ledger's epoch, kept where a restore of the ledger does not reach: in Redis, or in a file beside the embedded
 * data. It is written after the ledger's own commit, so it may be behind the ledger and is never ahead of it. A ledger behind
 * its witness was restored from a backup.
 */
export interface EpochWitness {
  /** Where the witness is stored, for messages. */
  readonly where: string;
  /** Undefined when there is no witness; it is then written again. */
  read(): Promise<Epoch | undefined>;
  /** Writes an epoch, unless a later epoch or another ledger's is stored there. */
  write(epoch: Epoch): Promise<void>;
  /** Writes an epoch over whatever is stored there. */
  replace(epoch: Epoch): Promise<void>;
}

/** Whether `epoch` may replace the stored one. */
export function mayOverwrite(there: Epoch | undefined, epoch: Epoch): boolean {
  return there === undefined || (there.ledgerId === epoch.ledgerId && there.epoch < epoch.epoch);
}

/** For callers without a witness: the epoch grows, and the next worker writes it to the witness. */
export const noWitness: EpochWitness = {
  where: 'nowhere',
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  replace: () => Promise.resolve(),
};
