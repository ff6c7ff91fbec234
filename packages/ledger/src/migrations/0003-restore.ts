import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // One row: the ledger's id and its epoch (law 9). `restored_at` is the mark that stops every worker.
  await sql`
    create table kpay.ledger (
      only_row boolean primary key default true check (only_row),
      id uuid not null,
      epoch integer not null check (epoch >= 0),
      restored_at timestamptz,
      seen_epoch integer,
      check ((restored_at is null) = (seen_epoch is null))
    )`.execute(db);
  await sql`insert into kpay.ledger (id, epoch) values (gen_random_uuid(), 0)`.execute(db);

  // Two transitions that only a restore explains are not in legal_moves. Every unfinished transfer goes to review, and
  // a person who knows that nothing happened to it since the backup puts it back before its first send.
  await sql`
    create or replace function kpay.guard_transfer() returns trigger language plpgsql as $$
    begin
      if new.state <> old.state
         and not exists (select from kpay.legal_moves m where m.from_state = old.state and m.to_state = new.state)
         and not (old.state in ('awaiting_approval', 'queued', 'holding')
                  and new.state = 'review' and new.reason_code is not distinct from 'restored' and new.possibly_sent)
         and not (old.state = 'review' and old.reason_code is not distinct from 'restored'
                  and new.state in ('awaiting_approval', 'queued') and not new.possibly_sent) then
        raise exception 'transfer %: no move from % to %', old.id, old.state, new.state using errcode = 'KP001';
      end if;
      -- A row that is only put off (a later look, the same state) keeps its version: nothing happened.
      if new.version <> old.version + 1
         and (new.version, new.state, new.attempts, new.possibly_sent, new.lease_until)
             is distinct from (old.version, old.state, old.attempts, old.possibly_sent, old.lease_until) then
        raise exception 'transfer %: version % cannot follow %', old.id, new.version, old.version using errcode = 'KP002';
      end if;
      if (new.kpay_external_id, new.account, new.source_country, new.destination_country, new.amount_minor, new.currency)
         is distinct from
         (old.kpay_external_id, old.account, old.source_country, old.destination_country, old.amount_minor, old.currency)
         or (old.send_body is not null and new.send_body is distinct from old.send_body) then
        raise exception 'transfer %: what is sent to KPay never changes', old.id using errcode = 'KP003';
      end if;
      return new;
    end $$`.execute(db);
}
