/** Which ledger, and how far it had come. */
export interface Epoch {
  ledgerId: string;
  epoch: number;
}

/**
 * The copy of the ledger's epoch, kept where a restore of the ledger does not reach: in Redis, or in a file beside the
 * embedded data. It is written after the ledger's own commit, so it may be behind the ledger and is never ahead of it.
 */
export interface EpochCopy {
  /** Where it is, for messages. */
  readonly where: string;
  /** Undefined when there is none: it is written anew then. */
  read(): Promise<Epoch | undefined>;
  /** Writes an epoch, unless a later one is there, or another ledger's. */
  write(epoch: Epoch): Promise<void>;
  /** Writes an epoch over whatever is there. */
  replace(epoch: Epoch): Promise<void>;
}

/** Whether `epoch` may be written over what is there. */
export function mayOverwrite(there: Epoch | undefined, epoch: Epoch): boolean {
  return there === undefined || (there.ledgerId === epoch.ledgerId && there.epoch < epoch.epoch);
}

/** Where there is none to be kept: the epoch grows, and the next worker copies it. */
export const noCopy: EpochCopy = {
  where: 'nowhere',
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  replace: () => Promise.resolve(),
};
