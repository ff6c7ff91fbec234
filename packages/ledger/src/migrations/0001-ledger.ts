import { type Kysely, sql } from 'kysely';

/** Creates the ledger, the only truth. There are no downward migrations; each later change has its own migration. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // A KPay account as it was at its first use. Nothing is sent while the account differs from it.
  await sql`
    create table kpay.accounts (
      name text primary key check (name ~ '^[a-z0-9-]{1,32}$'),
      base_url text not null,
      environment text not null check (environment in ('TEST', 'PRODUCTION')),
      application_id text not null,
      pinned_at timestamptz not null
    )`.execute(db);

  // One row for each currency of an account; locked while its funds are checked.
  await sql`
    create table kpay.wallets (
      account text not null,
      currency text not null,
      primary key (account, currency)
    )`.execute(db);

  await sql`
    create table kpay.pauses (
      id uuid primary key,
      scope text not null check (scope in ('all', 'account', 'corridor')),
      account text,
      corridor text,
      reason text not null,
      created_by text not null,
      created_at timestamptz not null,
      until timestamptz,
      lifted_at timestamptz,
      lifted_by text,
      check ((scope = 'all') = (account is null)),
      check ((scope = 'corridor') = (corridor is not null))
    )`.execute(db);
  await sql`create index pauses_in_force on kpay.pauses (scope, account) where lifted_at is null`.execute(db);

  await sql`
    create table kpay.transfers (
      id uuid primary key,
      account text not null,
      external_id text,
      owner text not null,
      idempotency_key text,
      request_hash text not null,
      kpay_external_id uuid not null unique,
      job_id text,

      source_country text not null,
      destination_country text not null,
      amount_minor bigint not null check (amount_minor > 0),
      currency text not null,
      destination_currency text not null,
      description text,
      min_rate numeric check (min_rate > 0),
      on_insufficient_funds text not null check (on_insufficient_funds in ('hold', 'fail')),
      not_before timestamptz,
      expires_at timestamptz,
      priority smallint not null check (priority between 0 and 9),
      metadata jsonb,

      state text not null check (state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed',
        'review', 'succeeded', 'failed', 'rejected', 'cancelled', 'expired')),
      version integer not null default 1,
      reason_code text,
      reason text,
      hold_until timestamptz,
      due_at timestamptz,

      send_body text,
      pinned_base_url text,
      pinned_environment text,
      pinned_application_id text,
      attempts integer not null default 0,
      lease_until timestamptz,
      tries integer not null default 0,
      unauthorized integer not null default 0,
      possibly_sent boolean not null default false,
      unknown_since timestamptz,
      first_conflict_at timestamptz,
      refused_before boolean not null default false,

      kpay_transfer_id text,
      exchange_rate numeric,
      destination_amount_minor bigint,
      confirmed_by text check (confirmed_by in ('answer', 'conflict', 'person')),
      receipt jsonb,
      resolved_by text,

      created_at timestamptz not null,
      updated_at timestamptz not null,
      finished_at timestamptz,

      check (external_id is not null or idempotency_key is not null),
      check (source_country <> destination_country),
      check (not possibly_sent or state in ('unconfirmed', 'succeeded', 'review') or resolved_by is not null),
      check (state <> 'unconfirmed' or possibly_sent),
      check (state <> 'submitting' or lease_until is not null),
      check (lease_until is null or state in ('submitting', 'unconfirmed')),
      check (lease_until is null or send_body is not null),
      check (state <> 'holding' or (reason_code is not null and hold_until is not null)),
      check ((finished_at is not null) = (state in ('succeeded', 'failed', 'rejected', 'cancelled', 'expired'))),
      check (state not in ('queued', 'holding', 'submitting', 'unconfirmed') or due_at is not null)
    )`.execute(db);
  await sql`create unique index transfers_external_id on kpay.transfers (account, external_id) where external_id is not null`.execute(
    db,
  );
  await sql`create unique index transfers_idempotency_key on kpay.transfers (account, owner, idempotency_key) where idempotency_key is not null`.execute(
    db,
  );
  // Ended rows leave this index, so that the sweep stays fast with a million of them.
  await sql`create index transfers_due on kpay.transfers (account, due_at) where due_at is not null`.execute(db);
  await sql`
    create index transfers_reserved on kpay.transfers (account, currency) include (amount_minor)
    where state in ('submitting', 'unconfirmed', 'review')`.execute(db);
  await sql`create index transfers_spent on kpay.transfers (account, currency, finished_at) include (amount_minor) where state = 'succeeded'`.execute(
    db,
  );
  await sql`create index transfers_newest on kpay.transfers (created_at desc, id desc)`.execute(db);
  await sql`create index transfers_newest_of_state on kpay.transfers (state, created_at desc, id desc)`.execute(db);

  // One call to KPay, or the intent of one. An attempt without an end is under way, or its process died.
  await sql`
    create table kpay.attempts (
      transfer_id uuid not null references kpay.transfers,
      number integer not null,
      account text not null,
      worker text not null,
      started_at timestamptz not null,
      lease_until timestamptz not null,
      body_hash text not null,
      ended_at timestamptz,
      outcome text,
      status integer,
      detail text,
      primary key (transfer_id, number)
    )`.execute(db);
  await sql`create index attempts_recent on kpay.attempts (account, started_at)`.execute(db);

  await sql`
    create table kpay.transfer_events (
      id bigint generated always as identity primary key,
      transfer_id uuid not null references kpay.transfers,
      version integer not null,
      type text not null,
      from_state text,
      to_state text not null,
      reason_code text,
      reason text,
      actor text not null,
      detail jsonb,
      at timestamptz not null,
      unique (transfer_id, version)
    )`.execute(db);

  await sql`create table kpay.legal_moves (from_state text, to_state text, primary key (from_state, to_state))`.execute(db);
  await sql`
    insert into kpay.legal_moves (from_state, to_state) values
      ('awaiting_approval', 'queued'), ('awaiting_approval', 'rejected'), ('awaiting_approval', 'cancelled'), ('awaiting_approval', 'expired'),
      ('queued', 'submitting'), ('queued', 'holding'), ('queued', 'failed'), ('queued', 'cancelled'), ('queued', 'expired'),
      ('holding', 'queued'), ('holding', 'cancelled'), ('holding', 'expired'),
      ('submitting', 'succeeded'), ('submitting', 'failed'), ('submitting', 'queued'), ('submitting', 'holding'),
      ('submitting', 'unconfirmed'), ('submitting', 'review'),
      ('unconfirmed', 'succeeded'), ('unconfirmed', 'review'),
      ('review', 'succeeded'), ('review', 'failed'), ('review', 'unconfirmed')`.execute(db);
  // The last guard: the database refuses what the code gets wrong.
  await sql`
    create function kpay.guard_transfer() returns trigger language plpgsql as $$
    begin
      if new.state <> old.state
         and not exists (select from kpay.legal_moves m where m.from_state = old.state and m.to_state = new.state) then
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
  await sql`create trigger guard_transfer before update on kpay.transfers for each row execute function kpay.guard_transfer()`.execute(
    db,
  );
}
