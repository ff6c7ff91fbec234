import { type Kysely, sql } from 'kysely';

/**
 * The total amount of a wallet that was ever reserved for sends; it only grows. A process that once summed up the
 * reserved amount can compute an upper bound from it later. The ledger itself counts, so that processes of an older
 * release, which do not know the column, are counted too.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table kpay.wallets add column reserved_so_far bigint not null default 0`.execute(db);
  await sql`
    create function kpay.count_reserved() returns trigger language plpgsql as $$
    begin
      update kpay.wallets set reserved_so_far = reserved_so_far + new.amount_minor
      where account = new.account and currency = new.currency;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger count_reserved after update of state on kpay.transfers for each row
    when (new.state in ('submitting', 'unconfirmed', 'review') and old.state not in ('submitting', 'unconfirmed', 'review'))
    execute function kpay.count_reserved()`.execute(db);
}
