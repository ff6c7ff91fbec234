import { formatAmount } from '@kpay/core';
import { type Ledger, type LedgerTransaction, type TransferEventRow, type TransferRow, within } from '@kpay/ledger';
import { sql } from 'kysely';
import type { Sink, SinkEvent } from '../plugins/plugin.ts';
import { asPlugin } from '../plugins/stray-errors.ts';
import { presentEvent } from '../queries/present.ts';

const LEASE_MS = 30_000;
const TELL_TIMEOUT_MS = 10_000;
const MAX_EVENTS = 100;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5 * 60_000;

/** A sink under its plugin's name, and the process that tells it. */
export interface SinkDelivery {
  ledger: Ledger;
  plugin: string;
  sink: Sink;
  /** Unique in the world; of two processes with the same sink one tells it. */
  holder: string;
  onFailure: (error: unknown) => void;
}

/**
 * Tells a sink of the next events, in the order of their ids, each at least once. Its position is a row of the ledger:
 * a process that dies is followed by another when its lease is over, which begins where the last one was sure.
 *
 * @returns whether there may be more to do at once.
 */
export async function deliverToSink(teller: SinkDelivery, stopping: AbortSignal): Promise<boolean> {
  const { ledger, plugin, sink, holder } = teller;
  const name = `${plugin}/${sink.name}`;
  const turn = await ledger.transaction((tx) => takeTurn(tx, name, holder));
  if (!turn || turn.events.length === 0) return turn?.more ?? false;
  try {
    await within(sink.timeoutMs ?? TELL_TIMEOUT_MS, stopping, (signal) =>
      asPlugin(plugin, () => sink.tell(turn.events.map(viewOf), { signal })),
    );
  } catch (error) {
    stopping.throwIfAborted();
    teller.onFailure(error);
    await ledger.transaction((tx) => putOff(tx, name, holder));
    return false;
  }
  await ledger.transaction((tx) => advanceTo(tx, name, holder, turn.events.at(-1)?.id ?? turn.toldId));
  return true;
}

/** Lets another process go on at once. */
export async function leaveSink({ ledger, plugin, sink, holder }: SinkDelivery): Promise<void> {
  await ledger.db
    .updateTable('kpay.sinks')
    .set({ holder: null, lease_until: null })
    .where('name', '=', `${plugin}/${sink.name}`)
    .where('holder', '=', holder)
    .execute();
}

interface Turn {
  toldId: string;
  events: (TransferEventRow & Told)[];
  more: boolean;
}

type Told = Pick<
  TransferRow,
  'account' | 'external_id' | 'source_country' | 'destination_country' | 'amount_minor' | 'currency' | 'metadata'
>;

/**
 * Event ids are given out before their transactions commit, so a higher one can be seen while a lower one is still to
 * come. An id is safe to pass when every transaction that was there when it was the highest is over: first the highest
 * id is looked at, then a transaction id is taken, which is above those of all that hold a lower one; once nothing
 * older than that runs (pg_snapshot_xmin), all up to that id have come or never will. Reading by id keeps the events of
 * one transfer in order, which reading by transaction ids would not (docs/decisions/0015).
 */
async function takeTurn(tx: LedgerTransaction, name: string, holder: string): Promise<Turn | undefined> {
  // Before anything is written: this transaction's id must be younger than the look.
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
  // Transaction ids of another server, from which the ledger was restored, say nothing here.
  if (foreign || (decided && !isBehind)) {
    await sql`update kpay.sinks set safe_id = ${top}, safe_xid = pg_current_xact_id() where name = ${name}`.execute(tx.db);
    return { toldId: sink.told_id, events: [], more: BigInt(top) > BigInt(sink.told_id) };
  }
  const events = decided ? await eventsBetween(tx, sink.told_id, sink.safe_id, MAX_EVENTS) : [];
  return { toldId: sink.told_id, events, more: false };
}

/** Of all events that can be seen. */
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
      // One that ends later than any begun now was taken before the ledger's clock was set back: it counts no longer.
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

/** With what their transfers are about. */
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

/** Only while the lease is still ours: a process that was frozen must not take back what another one told since. */
async function advanceTo({ db }: LedgerTransaction, name: string, holder: string, toldId: string): Promise<void> {
  const told = { told_id: toldId, failures: 0, retry_at: null };
  await db.updateTable('kpay.sinks').set(told).where('name', '=', name).where('holder', '=', holder).execute();
}

async function putOff({ db, now }: LedgerTransaction, name: string, holder: string): Promise<void> {
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
