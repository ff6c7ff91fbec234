import { countries, currenciesOf, exponentOf } from '@kpay/core';
import type { TransferState } from '@kpay/ledger';
import { type Ledger, prepared, type TransferEventRow, type TransferRow, transferColumns } from '@kpay/ledger';
import { type RawBuilder, type SqlBool, sql } from 'kysely';

export interface TransferFilter {
  account?: string;
  /** Only transfers of these accounts, whatever else is requested. */
  within?: readonly string[];
  state?: TransferState;
  /** `CMR-GAB`. */
  corridor?: string;
  /** Decimal text, in units of each transfer's own source currency. Both bounds are inclusive. */
  minAmount?: string;
  maxAmount?: string;
  /** Accepted at this time or later. */
  createdFrom?: Date;
  /** Accepted before this time. */
  createdTo?: Date;
  externalId?: string;
  /** Text that occurs anywhere in the reason, in upper or lower case. */
  reason?: string;
}

/** The end of a page. The next page starts after this transfer. */
export interface TransferPosition {
  createdAt: Date;
  id: string;
}

export async function findTransfer(ledger: Ledger, id: string): Promise<TransferRow | undefined> {
  const { rows } = await sql<TransferRow>`${prepared} select ${transferColumns} from kpay.transfers where id = ${id}`.execute(
    ledger.db,
  );
  return rows[0];
}

/**
 * Those of the given transfers that have ended, are held or are unconfirmed. The others wait for their first send or
 * are being sent.
 */
export async function findStopped(ledger: Ledger, ids: readonly string[]): Promise<TransferRow[]> {
  const { rows } = await sql<TransferRow>`${prepared}
    select ${transferColumns} from kpay.transfers
    where id = any(${ids}::uuid[]) and state not in ('queued', 'submitting')`.execute(ledger.db);
  return rows;
}

/**
 * Lists transfers, the newest first, at most `limit`. An index finds the rows, however far the page is from the start
 * and however many rows there are (migrations/0010-lists.ts).
 */
export async function listTransfers(
  ledger: Ledger,
  filter: TransferFilter,
  { limit, after }: { limit: number; after?: TransferPosition },
): Promise<TransferRow[]> {
  const conditions = conditionsOf(filter);
  if (after) conditions.push(sql`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`);
  const order = sql`order by created_at desc, id desc limit ${limit}`;
  const pageOf = (account: string) =>
    sql`(select * from kpay.transfers where ${sql.join([sql`account = ${account}`, ...conditions], sql` and `)} ${order})`;
  // One query for each account, because the index begins with the account. There are few accounts.
  const asked = filter.account === undefined ? await accountNames(ledger) : [filter.account];
  const accounts = asked.filter((account) => filter.within?.includes(account) ?? true);
  if (accounts.length === 0) return [];
  const { rows } = await sql<TransferRow>`
    select * from (${sql.join(accounts.map(pageOf), sql` union all `)}) page ${order}`.execute(ledger.db);
  return rows;
}

/** The names of all accounts that have a transfer. One index lookup for each. */
async function accountNames(ledger: Ledger): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    with recursive names (name) as (
      select min(account) from kpay.transfers
      union all
      select (select min(account) from kpay.transfers where account > name) from names where name is not null
    )
    select name from names where name is not null`.execute(ledger.db);
  return rows.map(({ name }) => name);
}

function conditionsOf(filter: TransferFilter): RawBuilder<SqlBool>[] {
  const { state, corridor, createdFrom, createdTo, externalId, reason } = filter;
  const conditions: RawBuilder<SqlBool>[] = [];
  if (state !== undefined) conditions.push(sql`state = ${state}`);
  if (corridor !== undefined) {
    const [source, destination] = corridor.split('-');
    conditions.push(sql`source_country = ${source}`, sql`destination_country = ${destination}`);
  }
  if (filter.minAmount !== undefined || filter.maxAmount !== undefined) conditions.push(amountWithin(filter));
  if (createdFrom !== undefined) conditions.push(sql`created_at >= ${createdFrom}`);
  if (createdTo !== undefined) conditions.push(sql`created_at < ${createdTo}`);
  if (externalId !== undefined) conditions.push(sql`external_id = ${externalId}`);
  if (reason !== undefined) conditions.push(sql`reason ilike ${`%${reason.replaceAll(/[\\%_]/g, '\\$&')}%`}`);
  return conditions;
}

const currencies = new Set(countries.flatMap(currenciesOf));

/** The index is by currency, because the ledger stores amounts in each currency's minor unit. */
function amountWithin({ minAmount, maxAmount }: TransferFilter): RawBuilder<SqlBool> {
  const ofCurrency = [...currencies].map((currency) => {
    const unit = 10 ** (exponentOf(currency) ?? 0);
    const bounds = [sql`currency = ${currency}`];
    // A bound may have more digits than the currency. Bigint, because the index holds bigints.
    if (minAmount !== undefined) bounds.push(sql`amount_minor >= ceil(${minAmount}::numeric * ${unit})::bigint`);
    if (maxAmount !== undefined) bounds.push(sql`amount_minor <= floor(${maxAmount}::numeric * ${unit})::bigint`);
    return sql`(${sql.join(bounds, sql` and `)})`;
  });
  return sql<SqlBool>`(${sql.join(ofCurrency, sql` or `)})`;
}

/** Lists all events of a transfer, oldest first. */
export async function listTransferEvents(ledger: Ledger, transferId: string): Promise<TransferEventRow[]> {
  return ledger.db
    .selectFrom('kpay.transfer_events')
    .selectAll()
    .where('transfer_id', '=', transferId)
    .orderBy('version')
    .execute();
}
