import type { Clock } from '@kpay/core';
import type { Ledger, LedgerRow, LedgerSchema, LedgerTransaction } from '@kpay/ledger';
import type { Kysely } from 'kysely';
import { lockAccounts } from '../accounts/account-turn.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';

/** The epoch grows before the first send that comes this long after it last grew. */
const GROW_EVERY_MS = 60_000;

/**
 * Shows a worker that its ledger was restored from a backup (law 9). The ledger has an epoch that only grows. A witness
 * outside the ledger, and each worker's memory, hold the last epoch they saw. A ledger behind either of them has lost
 * what happened since. It is marked, and nothing is sent until finishRestore() has moved all unfinished transfers to
 * review.
 */
export interface LedgerEpoch {
  /** Why nothing may be sent, and what to do about it; undefined while sending is allowed. */
  refusal(): string | undefined;
  /**
   * Reads the witness and then the ledger: whether the ledger was restored, and whether the restore is finished. It
   * also writes the witness where another process could not. Call it every second.
   */
  check(): Promise<void>;
  /** Grows the epoch when it is due. Await it before a send. @returns whether sending is allowed. */
  beforeSend(): Promise<boolean>;
  /**
   * Whether this is still the ledger that this process knows. Call it in each transaction that commits a send, after
   * the account's row is locked: marking a ledger waits for that lock.
   *
   * @param reading a read of the ledger's row that was started a moment ago, when it is part of a larger query.
   */
  holds(tx: LedgerTransaction, reading?: Promise<LedgerIs>): Promise<boolean>;
}

/** The columns of the ledger's row that a send needs. */
export type LedgerIs = Pick<LedgerRow, 'id' | 'epoch' | 'restored_at'>;

/** The witness belongs to another ledger: the database or the witness's store is the wrong one. */
export class ForeignLedger extends Error {
  override readonly name = 'ForeignLedger';

  constructor(ledgerId: string, witnessed: Epoch, { where }: EpochWitness) {
    super(
      `${where} belongs to another ledger (${witnessed.ledgerId}) than this database (${ledgerId}): correct the settings, or, if this database replaces that ledger, run kpay restore finish`,
    );
  }
}

export interface LedgerEpochOptions {
  ledger: Ledger;
  witness: EpochWitness;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Called with the reason when sending is refused, and with undefined when sending is allowed again. */
  onChange?: (refusal: string | undefined) => void;
}

/**
 * Starts a new epoch, or finds that the ledger was restored.
 *
 * @throws ForeignLedger when the witness belongs to another ledger.
 */
export async function openLedgerEpoch({ ledger, witness, clock, onChange }: LedgerEpochOptions): Promise<LedgerEpoch> {
  const { id: ledgerId } = await readLedgerRow(ledger.db);
  // Only committed epochs are ever known. So a read of the ledger must include every epoch known before it.
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

  async function readEpoch(seen: number): Promise<LedgerRow | undefined> {
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
    // The witness is read before the ledger. In the other order, an epoch that grows in between would look like a
    // restore.
    const witnessed = await witness.read();
    if (witnessed && witnessed.ledgerId !== ledgerId) {
      foreign = new ForeignLedger(ledgerId, witnessed, witness);
      return refuse(foreign.message);
    }
    const seen = Math.max(known, witnessed?.epoch ?? 0);
    const grown = await growLedger(ledger, ledgerId, seen);
    if (grown === undefined) {
      await readEpoch(seen);
      return;
    }
    known = Math.max(known, grown);
    // After the commit. If the process dies here, the witness is behind, which never looks like a restore.
    await witness.write({ ledgerId, epoch: grown });
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
    async check() {
      // Another worker may have grown the epoch and died since. When the witness cannot be read, nothing is sent
      // either.
      const witnessed = await witness.read().catch(() => undefined);
      if (witnessed?.ledgerId === ledgerId) known = Math.max(known, witnessed.epoch);
      const row = await readEpoch(known);
      if (!row || witnessed?.ledgerId !== ledgerId) return;
      if (row.growth_owed) await growOnce();
      // The process that grew the epoch could not write the witness afterwards, or has died.
      else if (witnessed.epoch < row.epoch) await witness.write({ ledgerId, epoch: row.epoch });
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

/** Undefined when the ledger is behind `seen`, is marked as restored, or is another ledger. */
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

/**
 * Marks the ledger as restored in its own row, so that every worker sees it, even one that starts with nothing to
 * compare.
 */
async function markRestored(ledger: Ledger, seen: number): Promise<void> {
  await ledger.transaction(async (tx) => {
    // So that every send that commits later sees the mark.
    await lockAccounts(tx);
    await tx.db
      .updateTable('kpay.ledger')
      .set((it) => ({
        restored_at: it.fn.coalesce('restored_at', it.val(tx.now)),
        seen_epoch: it.fn<number>('greatest', ['seen_epoch', it.val(seen)]),
      }))
      // Unless the restore was finished meanwhile.
      .where('epoch', '<', seen)
      .execute();
  });
}

function restoredReason(epoch: number, seen: number): string {
  return `the ledger was restored from a backup: it is at epoch ${epoch}, and ${seen} was seen. Nothing is sent until you run kpay restore finish (docs/runbook.md)`;
}
