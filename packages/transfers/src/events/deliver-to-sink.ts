import { formatAmount } from '@kpay/core';
import { type Ledger, type LedgerTransaction, type TransferEventRow, type TransferRow, within } from '@kpay/ledger';
import { sql } from 'kysely';
import type { Sink, SinkEvent } from '../plugins/plugin.ts';
import { asPlugin } from '../plugins/stray-errors.ts';
import { presentEvent } from '../queries/present.ts';

const LEASE_MS = 30_000;
const DELIVERY_TIMEOUT_MS = 10_000;
const MAX_EVENTS = 100;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5 * 60_000;

/** A sink, its plugin's name, and the process that delivers to it. */
export interface SinkDelivery {
  ledger: Ledger;
  plugin: string;
  sink: Sink;
  /** A globally unique name of this process. Only one process at a time delivers to a sink. */
  holder: string;
  onFailure: (error: unknown) => void;
}

/**
 * Delivers the next events to a sink, in the order of their ids, each at least once. The sink's position is a row of
 * the ledger. When a process dies, another one continues from that position once the lease has ended.
 *
 * @returns whether there may be more to deliver at once.
 */
export async function deliverToSink(delivery: SinkDelivery, stopping: AbortSignal): Promise<boolean> {
  const { ledger, plugin, sink, holder } = delivery;
  const name = `${plugin}/${sink.name}`;
  const turn = await ledger.transaction((tx) => takeTurn(tx, name, holder));
  if (!turn || turn.events.length === 0) return turn?.more ?? false;
  try {
    await within(sink.timeoutMs ?? DELIVERY_TIMEOUT_MS, stopping, (signal) =>
      asPlugin(plugin, () => sink.tell(turn.events.map(viewOf), { signal })),
    );
  } catch (error) {
    stopping.throwIfAborted();
    delivery.onFailure(error);
    await ledger.transaction((tx) => retryLater(tx, name, holder));
    return false;
  }
  await ledger.transaction((tx) => advanceTo(tx, name, holder, turn.events.at(-1)?.id ?? turn.deliveredId));
  return true;
}

/** Gives the lease back, so that another process can continue at once. */
export async function leaveSink({ ledger, plugin, sink, holder }: SinkDelivery): Promise<void> {
  await ledger.db
    .updateTable('kpay.sinks')
    .set({ holder: null, lease_until: null })
    .where('name', '=', `${plugin}/${sink.name}`)
    .where('holder', '=', holder)
    .execute();
}

interface Turn {
  deliveredId: string;
  events: (TransferEventRow & DeliveredTransfer)[];
  more: boolean;
}

type DeliveredTransfer = Pick<
  TransferRow,
  'account' | 'external_id' | 'source_country' | 'destination_country' | 'amount_minor' | 'currency' | 'metadata'
>;

/**
 * Takes the sink's lease and reads the events that it may get next.
 *
 * Ids are assigned before transactions commit, so a higher id can be visible before a lower one. So first the highest
 * id is read, then a transaction id is taken. Every transaction that holds a lower event id has a lower transaction id.
 * Once all of those have ended (pg_snapshot_xmin), no event up to that id can still appear. Reading by id keeps a
 * transfer's events in order; reading by transaction id would not (docs/decisions/0015).
 */
async function takeTurn(tx: LedgerTransaction, name: string, holder: string): Promise<Turn | undefined> {
  // Read before anything is written: this transaction's id must be taken after this read.
  const top = await highestId(tx);
  const known = await tx.db.selectFrom('kpay.sinks').select('told_id').where('name', '=', name).executeTakeFirst();
  if (known && BigInt(known.told_id) >= BigInt(top)) return undefined;
  if (!known) await enter(tx, name);
  const sink = await claim(tx, name, holder);
  if (!sink) return undefined;
  const { rows } = await sql<{ decided: boolean; foreign: boolean }>`
    select coalesce(safe_xid <= pg_snapshot_xmin(pg_current_snapshot()), false) as decided,
      coalesce(safe_xid > pg_current_xact_id(), true) as foreign
    from kpay.sinks where name = ${name}`.execute(tx.db);
  const { decided = false, foreign = true } = rows[0] ?? {};
  const isBehind = BigInt(sink.told_id) < BigInt(sink.safe_id);
  // The transaction ids come from another server, from which the ledger was restored. They mean nothing here.
  if (foreign || (decided && !isBehind)) {
    await sql`update kpay.sinks set safe_id = ${top}, safe_xid = pg_current_xact_id() where name = ${name}`.execute(tx.db);
    return { deliveredId: sink.told_id, events: [], more: BigInt(top) > BigInt(sink.told_id) };
  }
  const events = decided ? await eventsBetween(tx, sink.told_id, sink.safe_id, MAX_EVENTS) : [];
  return { deliveredId: sink.told_id, events, more: false };
}

/** The highest id among all visible events. */
export async function highestId({ db }: LedgerTransaction): Promise<string> {
  const { rows } = await sql<{ top: string }>`select coalesce(max(id), 0)::text as top from kpay.transfer_events`.execute(db);
  return rows[0]?.top ?? '0';
}

async function enter({ db }: LedgerTransaction, name: string): Promise<void> {
  await db
    .insertInto('kpay.sinks')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function claim({ db, now }: LedgerTransaction, name: string, holder: string) {
  return (
    db
      .updateTable('kpay.sinks')
      .set({ holder, lease_until: new Date(now.getTime() + LEASE_MS) })
      .where('name', '=', name)
      // A lease that ends later than a new one would was taken before the ledger's clock was set back. It no longer
      // counts.
      .where((it) =>
        it.or([
          it('holder', '=', holder),
          it('lease_until', 'is', null),
          it('lease_until', '<=', now),
          it('lease_until', '>', new Date(now.getTime() + LEASE_MS)),
        ]),
      )
      .where((it) =>
        it.or([
          it('retry_at', 'is', null),
          it('retry_at', '<=', now),
          it('retry_at', '>', new Date(now.getTime() + MAX_RETRY_MS)),
        ]),
      )
      .returningAll()
      .executeTakeFirst()
  );
}

/** Reads events together with the transfers that they belong to. */
export async function eventsBetween(
  { db }: LedgerTransaction,
  after: string,
  last: string,
  most: number,
): Promise<Turn['events']> {
  return db
    .selectFrom('kpay.transfer_events as event')
    .innerJoin('kpay.transfers as transfer', 'transfer.id', 'event.transfer_id')
    .selectAll('event')
    .select([
      'transfer.account',
      'transfer.external_id',
      'transfer.source_country',
      'transfer.destination_country',
      'transfer.amount_minor',
      'transfer.currency',
      'transfer.metadata',
    ])
    .where('event.id', '>', after)
    .where('event.id', '<=', last)
    .orderBy('event.id')
    .limit(most)
    .execute();
}

/**
 * Moves the position, but only while the lease is still ours. A process that was frozen must not undo the progress of
 * another.
 */
async function advanceTo({ db }: LedgerTransaction, name: string, holder: string, deliveredId: string): Promise<void> {
  const position = { told_id: deliveredId, failures: 0, retry_at: null };
  await db.updateTable('kpay.sinks').set(position).where('name', '=', name).where('holder', '=', holder).execute();
}

async function retryLater({ db, now }: LedgerTransaction, name: string, holder: string): Promise<void> {
  const row = await db
    .selectFrom('kpay.sinks')
    .select('failures')
    .where('name', '=', name)
    .where('holder', '=', holder)
    .executeTakeFirst();
  if (!row) return;
  const delayMs = Math.min(MIN_RETRY_MS * 2 ** Math.min(row.failures, 20), MAX_RETRY_MS);
  await db
    .updateTable('kpay.sinks')
    .set({ failures: row.failures + 1, retry_at: new Date(now.getTime() + delayMs) })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute();
}

export function viewOf(row: Turn['events'][number]): SinkEvent {
  return {
    ...presentEvent(row),
    id: row.id,
    transferId: row.transfer_id,
    account: row.account,
    externalId: row.external_id,
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: formatAmount({ amountMinor: BigInt(row.amount_minor), currency: row.currency }),
    currency: row.currency,
    metadata: row.metadata,
  };
}
