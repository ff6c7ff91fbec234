import type { LedgerStatement, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { AlreadyReplayed } from '../errors.ts';
import { isFinal, statesWithoutEffect } from './states.ts';
import { type Transition, transition } from './transition.ts';

/*
 * A family is a transfer, the transfer that it replays, and all replays of these: one payment. A transaction that locks
 * several of a family locks the earlier before the later.
 */

/** SQL: the table `family` of ids; to follow `with recursive`. */
function familyOf(id: string): RawBuilder<unknown> {
  return sql`line as (
      select id, replay_of from kpay.transfers where id = ${id}
      union all
      select t.id, t.replay_of from line join kpay.transfers t on t.id = line.replay_of
    ), family as (
      select id from line where replay_of is null
      union all
      select t.id from family join kpay.transfers t on t.replay_of = family.id
    )`;
}

/** Locks a family. So replays by several people, and late receipts, follow one after the other. */
export async function lockReplays({ db }: LedgerTransaction, id: string): Promise<void> {
  await sql`
    with recursive ${familyOf(id)}
    select from kpay.transfers t where t.id in (select id from family) order by t.created_at, t.id for update of t`.execute(db);
}

/**
 * Refuses a second replay in a family while one is live, and for ever after one that succeeded or may have moved money.
 * The ledger's index guards the same for each single transfer (migration 0014).
 *
 * @throws AlreadyReplayed
 */
export async function refuseSecondReplay({ db }: LedgerTransaction, id: string): Promise<void> {
  const { rows } = await sql<Pick<TransferRow, 'id' | 'state' | 'kpay_transfer_id'>>`
    with recursive ${familyOf(id)}
    select id, state, kpay_transfer_id from kpay.transfers
    where id in (select id from family)
      and (kpay_transfer_id is not null or state <> all(${[...statesWithoutEffect]}::text[]))
    limit 1`.execute(db);
  const [made] = rows;
  if (made) throw new AlreadyReplayed(made.id, made.kpay_transfer_id === null ? made.state : 'succeeded');
}

/**
 * Stops the replays of a transfer that turned out to have moved money, so that the money does not move again. Unsent
 * replays are cancelled. One that may have been sent is sent again only by a person. The caller holds the lock on the
 * transfer's row, so a replay that is being accepted now waits for this, or this waits for it.
 *
 * @returns what became of each, for the alarm.
 */
export async function stopReplays(tx: LedgerStatement, { id }: Pick<TransferRow, 'id'>): Promise<string[]> {
  const { rows } = await sql<TransferRow>`
    with recursive ${familyOf(id)}
    select t.* from kpay.transfers t where t.id in (select id from family) and t.id <> ${id}
    order by t.created_at, t.id`.execute(tx.db);
  const replays: string[] = [];
  for (const row of rows) {
    if (isFinal(row.state) && row.state !== 'succeeded') continue;
    const step = stopOf(row, `transfer ${id}, the same payment, has moved its money after all`);
    const stopped = step && (await transition(tx, row, { ...step, actor: 'worker' }));
    // Another process was faster: the replay is being sent.
    const state = stopped?.state ?? (step ? 'submitting' : row.state);
    const twice = state === 'cancelled' ? 'unsent' : 'and the money may have moved twice';
    replays.push(`its replay ${row.id} is ${state}, ${twice}`);
  }
  return replays;
}

function stopOf({ state }: TransferRow, reason: string): Omit<Transition, 'actor'> | undefined {
  if (state === 'queued' || state === 'holding' || state === 'awaiting_approval') {
    return { to: 'cancelled', type: 'cancelled', reasonCode: 'succeeded_late', reason };
  }
  return state === 'unconfirmed' ? { to: 'review', type: 'review', reasonCode: 'succeeded_late', reason } : undefined;
}
