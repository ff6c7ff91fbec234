import type { LedgerSchema, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { recheckAt } from '../checks/recheck.ts';
import type { Answer } from '../states/answer.ts';
import { corridorOf } from '../states/corridor.ts';
import type { ReasonCode } from '../states/reasons.ts';
import { holdQueued } from './hold-queued.ts';
import { wakeHeld } from './wake-held.ts';

/**
 * Holds transfers as a group when KPay refuses their source wallet (422) or their corridor (403, 404). One transfer of the
 * group asks KPay again. If each asked, each would spend a send and a slot of the budget to get the same answer.
 */

/** The reason code for transfers whose corridor KPay refused. Those whose wallet it refused are held for funds. */
export const CORRIDOR_REFUSED = 'corridor_refused' satisfies ReasonCode;

// One refusal in a corridor may concern only that transfer.
const CORRIDOR_AFTER = 3;
const NO_LIMIT = '9000000000000000';
/** A probe that began and got no answer is replaced after this time. */
const PROBE_TAKES = sql`interval '60 seconds'`;
const WAKE_PROBE_AGAIN = sql`interval '15 seconds'`;
/** A refusal older than this is forgotten; counting starts again. */
const FORGOTTEN_AFTER = sql`interval '10 minutes'`;

/** A refusal that covers a transfer, as one JSON object. */
export interface RefusalInForce {
  key: string;
  /** Until then all transfers that it covers wait. After that one of them may probe. */
  isClosed: boolean;
}

type Columns = Record<'account' | 'source_country' | 'destination_country' | 'amount_minor', RawBuilder<unknown>>;

/** The columns of a transfer that is read under the alias `t`. */
export const columnsOf = (t: string): Columns => ({
  account: sql.raw(`${t}.account`),
  source_country: sql.raw(`${t}.source_country`),
  destination_country: sql.raw(`${t}.destination_country`),
  amount_minor: sql.raw(`${t}.amount_minor`),
});

// A refusal in the future was written before the clock was set back.
function overIt(t: Columns, at: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`kpay.refusals r where r.account = ${t.account}
    and r.key in (${t.source_country}, ${t.source_country} || '-' || ${t.destination_country})
    and ${t.amount_minor} > r.limit_minor and r.refused_at <= ${at}`;
}

/** SQL: whether KPay refused the transfer's wallet or corridor, and nothing has changed that since. */
export function isRefused(t: Columns, at: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`exists (select from ${overIt(t, at)})`;
}

/** SQL for the refusal that covers a transfer: a subquery that gives one JSON object or null. */
export function refusalInForce(t: Columns, at: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select json_build_object('key', r.key, 'isClosed', r.probe_at > ${at}) from ${overIt(t, at)}
    order by r.probe_at desc limit 1
  )`;
}

/** The hold that a refusal causes. wake-funded.ts and tendRefusals wake it; the time is only a safety net. */
export function refusalHold(
  { key }: RefusalInForce,
  transfer: Pick<TransferRow, 'kpay_external_id'>,
  now: Date,
): { verdict: 'hold'; code: ReasonCode; reason: string; until: Date } {
  return { verdict: 'hold', ...whyOf(key), until: recheckAt(transfer, now) };
}

function whyOf(key: string): { code: ReasonCode; reason: string } {
  return isCorridor(key)
    ? { code: CORRIDOR_REFUSED, reason: `waiting for the corridor: KPay refused others of ${key}; one at a time asks again` }
    : {
        code: 'insufficient_funds',
        reason: `waiting for funds: KPay refused others from the wallet of ${key}; one at a time asks again`,
      };
}

const isCorridor = (key: string) => key.includes('-');

/** Makes a transfer that is about to be sent the probe of its group. The others wait for its answer. */
export async function claimProbe({ db, now }: LedgerTransaction, row: TransferRow): Promise<void> {
  await sql`
    update kpay.refusals set probe_at = ${now}::timestamptz + ${PROBE_TAKES}
    where account = ${row.account} and key in (${row.source_country}, ${corridorOf(row)}) and probe_at <= ${now}`.execute(db);
}

/**
 * Records what an answer says about the wallet and the corridor of its transfer. Call it before the transfer is locked,
 * because a transaction that begins a send locks the refusal first, too.
 */
export async function countRefusal(tx: LedgerTransaction, transferId: string, attempt: number, answer: Answer): Promise<void> {
  const isOfCorridor = answer.kind === 'refused' && (answer.status === 403 || answer.status === 404);
  if (answer.kind !== 'insufficient_funds' && answer.kind !== 'succeeded' && !isOfCorridor) return;
  const { db, now } = tx;
  const sent = await db
    .selectFrom('kpay.transfers as t')
    .innerJoin('kpay.attempts as a', 'a.transfer_id', 't.id')
    .select(['t.account', 't.source_country', 't.destination_country', 't.currency', 't.amount_minor', 'a.started_at'])
    .where('t.id', '=', transferId)
    .where('a.number', '=', attempt)
    .executeTakeFirst();
  if (!sent) return;
  const { account, amount_minor: amount, started_at: startedAt } = sent;
  const corridor = corridorOf(sent);
  if (answer.kind === 'succeeded') {
    // A send that began before the refusal does not contradict it.
    const since = sql`account = ${account} and refused_at <= ${startedAt}
      and (key = ${corridor} or (key = ${sent.source_country} and ${amount}::bigint > limit_minor))`;
    await sql`delete from kpay.refusals where ${since} and (key = ${corridor} or ${amount}::bigint >= refused_minor)`.execute(db);
    // Transfers as large as the refused one go on waiting. The money may be enough for all others.
    await sql`update kpay.refusals set limit_minor = refused_minor - 1 where ${since}`.execute(db);
    return;
  }
  const key = isOfCorridor ? corridor : sent.source_country;
  // Much smaller transfers may be tried. Their success does not mean that there is enough for this one.
  const limit = isOfCorridor ? NO_LIMIT : String(BigInt(amount) / 2n);
  // Sends that were under way at the same time count as one refusal.
  const isNews = sql`(${startedAt}::timestamptz >= r.refused_at or ${isOfCorridor} and r.times < ${CORRIDOR_AFTER})`;
  const times = sql`case when r.refused_at < ${now}::timestamptz - ${FORGOTTEN_AFTER} then 1
    when ${isNews} then least(r.times + 1, 20) else r.times end`;
  await sql`
    insert into kpay.refusals as r (account, key, currency, limit_minor, refused_minor, times, refused_at, probe_at)
    values (${account}, ${key}, ${sent.currency}, ${limit}::bigint, ${amount}::bigint, 1, ${now}::timestamptz, ${now}::timestamptz + ${delay(sql`1`)})
    on conflict (account, key) do update set
      times = ${times}, refused_at = ${now}::timestamptz,
      probe_at = case when ${isNews} then ${now}::timestamptz + ${delay(times)} else r.probe_at end,
      limit_minor = case when ${isOfCorridor} then case when ${times} >= ${CORRIDOR_AFTER} then 0 else r.limit_minor end
        else least(r.limit_minor, ${limit}::bigint) end,
      refused_minor = least(r.refused_minor, ${amount}::bigint)`.execute(db);
}

/** SQL: 15 s, doubling to two minutes. */
function delay(times: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`least(120, 15 * power(2, least((${times}), 10) - 1)) * interval '1 second'`;
}

/** SQL for a statement over `transfers`: whether a success ends no refusal, so that there is nothing to update. */
export const nothingRefused = sql<boolean>`not exists (
  select from kpay.refusals r where r.account = transfers.account
    and (r.key = transfers.source_country || '-' || transfers.destination_country
      or (r.key = transfers.source_country and transfers.amount_minor > r.limit_minor)))`;

/**
 * Maintains the refusals of an account; call it every second or so. It holds queued transfers behind a refusal, many
 * rows in one write. When a group may ask again, it wakes the smallest transfer, which is the most likely to succeed.
 * It wakes transfers that no refusal covers any more.
 */
export async function tendRefusals(tx: LedgerTransaction, account: string): Promise<void> {
  const { db, now } = tx;
  // Locked before any transfer, in the order in which sends and outcomes lock them.
  const refusals = await db
    .selectFrom('kpay.refusals')
    .select(['key', 'probe_at'])
    .where('account', '=', account)
    .orderBy('key')
    .forUpdate()
    .execute();
  for (const { key, probe_at: probeAt } of refusals) {
    if (probeAt > now) await holdRefused(tx, account, key);
    else await wakeProbe(tx, account, key);
  }
  await wakeHeld(tx, account, CORRIDOR_REFUSED, sql`not ${isRefused(columnsOf('t'), sql`${now}::timestamptz`)}`);
}

function behind(account: string, key: string): RawBuilder<unknown> {
  const [from, to] = key.split('-');
  return sql`t.account = ${account} and t.source_country = ${from} and (${to ?? null}::text is null or t.destination_country = ${to ?? null})
    and t.amount_minor > r.limit_minor`;
}

async function holdRefused(tx: LedgerTransaction, account: string, key: string): Promise<void> {
  const { code, reason } = whyOf(key);
  const which = {
    from: sql`kpay.transfers t join kpay.refusals r on r.account = ${account} and r.key = ${key}`,
    where: sql`r.refused_at <= ${tx.now} and ${behind(account, key)}`,
  };
  const until = sql`${tx.now}::timestamptz + interval '1 hour' * (1 + random())`;
  await holdQueued(tx, which, { code, reason, until });
}

async function wakeProbe({ db, now }: LedgerTransaction, account: string, key: string): Promise<void> {
  const { code } = whyOf(key);
  await sql`
    with one as (
      update kpay.refusals set woken_at = ${now} where account = ${account} and key = ${key}
        and probe_at <= ${now} and (woken_at is null or woken_at > ${now} or woken_at < ${now}::timestamptz - ${WAKE_PROBE_AGAIN})
      returning *
    )
    update kpay.transfers set due_at = ${now} where id = (
      select t.id from kpay.transfers t, one r
      where t.state = 'holding' and t.reason_code = ${code} and ${behind(account, key)}
      order by t.amount_minor, t.priority desc, t.created_at
      limit 1
      for update of t skip locked
    )`.execute(db);
}

/** Notes that KPay shows more of a currency than at the refusal. Then the probe need not wait. */
export async function noteShown(
  { db, now }: LedgerTransaction,
  account: string,
  shownMinor: ReadonlyMap<string, bigint>,
): Promise<void> {
  const shown = [...shownMinor].map(([currency, minor]) => ({ currency, minor: String(minor) }));
  await sql`
    update kpay.refusals r set shown_minor = s.minor, woken_at = case when s.minor > r.shown_minor then null else r.woken_at end,
      probe_at = case when s.minor > r.shown_minor then least(r.probe_at, ${now}::timestamptz) else r.probe_at end
    from jsonb_to_recordset(${JSON.stringify(shown)}::jsonb) as s (currency text, minor bigint)
    where r.account = ${account} and r.currency = s.currency and position('-' in r.key) = 0
      and r.shown_minor is distinct from s.minor`.execute(db);
}

/** Whether an account has any refusal. It rarely has, and then no further query is needed. */
export async function isAnyRefused(db: Kysely<LedgerSchema>, account: string): Promise<boolean> {
  return (
    (await db.selectFrom('kpay.refusals').select('key').where('account', '=', account).limit(1).executeTakeFirst()) !== undefined
  );
}
