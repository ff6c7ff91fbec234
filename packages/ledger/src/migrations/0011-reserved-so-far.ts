import { type Kysely, sql } from 'kysely';

/**
 * How much of a wallet was ever set aside for sends: it only grows. Whoever once summed up what is reserved needs only
 * this afterwards to know what it can be at most. The ledger counts it itself, so that a process of an older release, which
 * knows nothing of it, is counted too.
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
