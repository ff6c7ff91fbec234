import type { AttemptRow, Ledger, TransferRow } from '@kpay/ledger';
import { sql } from 'kysely';

/** A balance on which a decision was based. */
export interface SeenBalance {
  /** Decimal text, in the transfer's source currency. */
  shown: string;
  /** When KPay was asked. */
  askedAt: Date;
}

/** What a person needs to find out what became of a transfer. */
export interface ReviewEvidence {
  transfer: TransferRow;
  /** Each send: when, by which worker, and KPay's answer. The client redacts the detail before it is stored. */
  attempts: AttemptRow[];
  balance: {
    /** The last balance before the first send, and the first one after the last send. */
    before: SeenBalance | null;
    after: SeenBalance | null;
    /** Never a proof: others can move money of a wallet, too. */
    verdict: 'points_to_moved' | 'points_to_not_moved' | 'not_verifiable';
    why: string;
  };
}

/**
 * How many events around the sends are searched for a balance. The log has no end, and a distant balance proves
 * nothing.
 */
const NEAR_EVENTS = 20_000;

/**
 * The money of a send may appear in a snapshot this long after or before the snapshot was requested. Within this time
 * the two are not distinguished.
 */
const SETTLING_MS = 5_000;

/**
 * Collects what the ledger knows about the sends of a transfer, without asking KPay. Undefined when there is no such
 * transfer.
 */
export async function reviewEvidence(ledger: Ledger, id: string): Promise<ReviewEvidence | undefined> {
  const { db } = ledger;
  const transfer = await db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).executeTakeFirst();
  if (!transfer) return undefined;
  const attempts = await db.selectFrom('kpay.attempts').selectAll().where('transfer_id', '=', id).orderBy('number').execute();
  const first = attempts[0];
  const last = attempts.at(-1);
  if (transfer.currency === transfer.destination_currency) {
    const why = `KPay shows one balance for all wallets in ${transfer.currency}, and a transfer between two of them leaves it unchanged`;
    return { transfer, attempts, balance: notVerifiable(why) };
  }
  if (!first || !last) return { transfer, attempts, balance: notVerifiable('this ledger knows of no send') };
  // A send without an answer may be carried out until its lease ends.
  const over = new Date(Math.max(...attempts.map(({ ended_at, lease_until }) => (ended_at ?? lease_until).getTime())));
  const before = await seenBalance(ledger, transfer, { until: first.started_at });
  const after = await seenBalance(ledger, transfer, { from: new Date(over.getTime() + SETTLING_MS) });
  if (!before || !after) {
    const missing = before ? 'after the last' : 'before the first';
    return { transfer, attempts, balance: { ...notVerifiable(`no balance was seen ${missing} send`), before, after } };
  }
  const verdict = (await othersMoved(ledger, transfer, before.askedAt, after.askedAt))
    ? notVerifiable('other transfers of ours moved this currency in between')
    : compare(transfer, before, after);
  return { transfer, attempts, balance: { ...verdict, before, after } };
}

function notVerifiable(why: string): ReviewEvidence['balance'] {
  return { before: null, after: null, verdict: 'not_verifiable', why };
}

function compare({ amount_minor }: TransferRow, before: SeenBalance, after: SeenBalance): ReviewEvidence['balance'] {
  // Amounts are stored with exactly the digits of their currency.
  const minor = (shown: string) => BigInt(shown.replace('.', ''));
  const fell = minor(before.shown) - minor(after.shown);
  if (fell === BigInt(amount_minor)) {
    const why = 'the balance fell by exactly the amount, and nothing else of ours moved it';
    return { before, after, verdict: 'points_to_moved', why };
  }
  if (fell === 0n) {
    return {
      before,
      after,
      verdict: 'points_to_not_moved',
      why: 'the balance did not change, and nothing else of ours moved it',
    };
  }
  return notVerifiable('the balance changed by another amount, so somebody else moved money too');
}

/** Balances that decisions about any transfer of the same wallet were based on, nearest to the given time first. */
async function seenBalance(
  ledger: Ledger,
  { id, account, currency }: TransferRow,
  { until, from }: { until?: Date; from?: Date },
): Promise<SeenBalance | null> {
  const askedAt = sql`e.at - (e.detail->'balance'->>'ageMs')::numeric * interval '1 ms'`;
  const wanted = until
    ? sql`e.id between sends.first - ${NEAR_EVENTS} and sends.first and ${askedAt} <= ${until} order by ${askedAt} desc`
    : sql`e.id between sends.last and sends.last + ${NEAR_EVENTS} and ${askedAt} >= ${from} order by ${askedAt}`;
  const { rows } = await sql<{ shown: string; asked_at: Date }>`
    with sends as materialized (
      select min(id) as first, max(id) as last from kpay.transfer_events
      where transfer_id = ${id} and type in ('submitting', 'sent_again')
    )
    select e.detail->'balance'->>'shown' as shown, ${askedAt} as asked_at
    from sends join kpay.transfer_events e on true join kpay.transfers t on t.id = e.transfer_id
    where t.account = ${account} and e.detail->'balance'->>'currency' = ${currency} and ${wanted} limit 1`.execute(ledger.db);
  const [row] = rows;
  return row ? { shown: row.shown, askedAt: row.asked_at } : null;
}

async function othersMoved(ledger: Ledger, { id, account, currency }: TransferRow, from: Date, to: Date): Promise<boolean> {
  const { rows } = await sql`
    select from kpay.attempts a join kpay.transfers t on t.id = a.transfer_id
    where t.account = ${account} and t.id <> ${id} and ${currency} in (t.currency, t.destination_currency)
      and a.started_at <= ${to} and coalesce(a.ended_at, 'infinity') >= ${new Date(from.getTime() - SETTLING_MS)}
    limit 1`.execute(ledger.db);
  return rows.length > 0;
}
