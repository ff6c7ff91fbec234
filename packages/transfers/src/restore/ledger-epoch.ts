import type { Clock } from '@kpay/core';
import type { Ledger, LedgerRow, LedgerSchema, LedgerTransaction } from '@kpay/ledger';
import type { Kysely } from 'kysely';
import { lockAccounts } from '../accounts/account-turn.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';

/** The epoch grows before the first send that comes this long after it last grew. */
const GROW_EVERY_MS = 60_000;

/**
 * What tells a worker that its ledger was restored from a backup (law 9). The ledger counts its epochs; a copy outside
 * it, and each worker's memory, know how far it had come. A ledger behind either has lost what happened since: it is
 * marked, and nobody sends until finishRestore() has moved what is unfinished to review.
 */
export interface LedgerEpoch {
  /** Why nothing may be sent, and what to do; undefined while all is well. */
  refusal(): string | undefined;
  /**
   * Looks at the copy and then the ledger: whether it was restored, and whether that is over. Makes up for what others could
   * not copy. Call it every second.
   */
  look(): Promise<void>;
  /** Grows the epoch when it is time. To be awaited before a send. @returns whether one may be sent. */
  beforeSend(): Promise<boolean>;
  /**
   * Whether this is still the ledger that this process knows. To be asked in each transaction that commits a send,
   * after the account's row is locked: marking a ledger waits for that lock.
   *
   * @param reading a read of the ledger's row that has only just begun, when it comes with others.
   */
  holds(tx: LedgerTransaction, reading?: Promise<LedgerIs>): Promise<boolean>;
}

/** What a send asks of the ledger's row. */
export type LedgerIs = Pick<LedgerRow, 'id' | 'epoch' | 'restored_at'>;

/** The copy is of another ledger: the database, or where the copy lies, is not the one that belongs here. */
export class ForeignLedger extends Error {
  override readonly name = 'ForeignLedger';

  constructor(ledgerId: string, copied: Epoch, { where }: EpochWitness) {
    super(
      `${where} belongs to another ledger (${copied.ledgerId}) than this database (${ledgerId}): bring the two together that belong together, or, if this database is to take its place, run kpay restore finish`,
    );
  }
}

export interface LedgerEpochOptions {
  ledger: Ledger;
  copy: EpochWitness;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Told when sending is refused, with the reason, and when it goes on, with undefined. */
  onChange?: (refusal: string | undefined) => void;
}

/**
 * Begins a new epoch, or finds that the ledger was restored.
 *
 * @throws ForeignLedger when the copy is of another ledger.
 */
export async function openLedgerEpoch({ ledger, copy, clock, onChange }: LedgerEpochOptions): Promise<LedgerEpoch> {
  const { id: ledgerId } = await readLedgerRow(ledger.db);
  // Only what is committed is ever known, so what was known before a read must be in what it reads.
  let known = 0;
  let refusal: string | undefined;
  let grownAtMs: number | undefined;
  let growing: Promise<void> | undefined;
  let foreign: ForeignLedger | undefined;

  function refuse(reason: string | undefined): void {
    if (reason === refusal) return;
    refusal = reason;
    onChange?.(reason);
  }

  async function lookFor(seen: number): Promise<LedgerRow | undefined> {
    if (foreign) return undefined;
    const row = await readLedgerRow(ledger.db);
    if (row.id !== ledgerId) {
      refuse(`the database holds another ledger (${row.id}) than at the start: restart the worker`);
      return undefined;
    }
    if (row.epoch < seen) await markRestored(ledger, seen);
    else known = Math.max(known, row.epoch);
    const restored = row.epoch < seen || row.restored_at !== null;
    refuse(restored ? restoredReason(row.epoch, Math.max(seen, row.seen_epoch ?? 0)) : undefined);
    return restored ? undefined : row;
  }

  async function grow(): Promise<void> {
    const atMs = clock.monotonicMs();
    // The copy before the ledger: the other way round a growth in between would look like a restore.
    const copied = await copy.read();
    if (copied && copied.ledgerId !== ledgerId) {
      foreign = new ForeignLedger(ledgerId, copied, copy);
      return refuse(foreign.message);
    }
    const seen = Math.max(known, copied?.epoch ?? 0);
    const grown = await growLedger(ledger, ledgerId, seen);
    if (grown === undefined) {
      await lookFor(seen);
      return;
    }
    known = Math.max(known, grown);
    // After the commit. If the process dies here the copy is behind, which is never mistaken for a restore.
    await copy.write({ ledgerId, epoch: grown });
    grownAtMs = atMs;
  }

  function growOnce(): Promise<void> {
    growing ??= grow().finally(() => {
      growing = undefined;
    });
    return growing;
  }

  await grow();
  if (foreign) throw foreign;
  return {
    refusal: () => refusal,
    async look() {
      // Another worker may have grown it since: one that has died cannot say so any more. Without an answer nobody sends either.
      const copied = await copy.read().catch(() => undefined);
      if (copied?.ledgerId === ledgerId) known = Math.max(known, copied.epoch);
      const row = await lookFor(known);
      if (!row || copied?.ledgerId !== ledgerId) return;
      if (row.growth_owed) await growOnce();
      // Whoever grew it could not copy it afterwards, or has died.
      else if (copied.epoch < row.epoch) await copy.write({ ledgerId, epoch: row.epoch });
    },
    async beforeSend() {
      if (refusal === undefined && (grownAtMs === undefined || clock.monotonicMs() - grownAtMs >= GROW_EVERY_MS)) {
        await growOnce();
      }
      return refusal === undefined;
    },
    async holds(tx, reading = readLedgerRow(tx.db)) {
      const seen = known;
      const row = await reading;
      return refusal === undefined && row.id === ledgerId && row.epoch >= seen && row.restored_at === null;
    },
  };
}

export async function readLedgerRow(db: Kysely<LedgerSchema>): Promise<LedgerRow> {
  return db.selectFrom('kpay.ledger').selectAll().executeTakeFirstOrThrow();
}

/** Undefined when the ledger is behind `seen`, marked, or another one. */
async function growLedger(ledger: Ledger, ledgerId: string, seen: number): Promise<number | undefined> {
  const grown = await ledger.transaction((tx) =>
    tx.db
      .updateTable('kpay.ledger')
      .set((it) => ({ epoch: it('epoch', '+', 1), growth_owed: false }))
      .where('id', '=', ledgerId)
      .where('epoch', '>=', seen)
      .where('restored_at', 'is', null)
      .returning('epoch')
      .executeTakeFirst(),
  );
  return grown?.epoch;
}

/** A row of the ledger, so that every worker sees it, also one that starts with nothing to compare. */
async function markRestored(ledger: Ledger, seen: number): Promise<void> {
  await ledger.transaction(async (tx) => {
    // So that whoever commits a send later sees what is written here.
    await lockAccounts(tx);
    await tx.db
      .updateTable('kpay.ledger')
      .set((it) => ({
        restored_at: it.fn.coalesce('restored_at', it.val(tx.now)),
        seen_epoch: it.fn<number>('greatest', ['seen_epoch', it.val(seen)]),
      }))
      // Unless somebody finished the restore meanwhile.
      .where('epoch', '<', seen)
      .execute();
  });
}

function restoredReason(epoch: number, seen: number): string {
  return `the ledger was restored from a backup: it is at epoch ${epoch}, and ${seen} was seen. Nothing is sent until you run kpay restore finish (docs/runbook.md)`;
}
