import { type ApiKeyRow, apiKeyColumns, type Ledger, prepared } from '@kpay/ledger';
import { sql } from 'kysely';

export interface FoundApiKey {
  row: ApiKeyRow;
  /** The database's time. */
  now: Date;
  /** A key above it was revoked or has expired, so this key is invalid too. */
  makerEnded: boolean;
}

/** Reads API keys by their ids, in the order of the ids; undefined for an id without a key. */
export async function findApiKeys(ledger: Ledger, ids: readonly string[]): Promise<(FoundApiKey | undefined)[]> {
  const { rows } = await sql<ApiKeyRow & Omit<FoundApiKey, 'row'>>`${prepared}
    select ${apiKeyColumns}, clock_timestamp() as now, exists (
      with recursive makers (id, created_by, ended) as (
        select id, created_by, false from kpay.api_keys self where self.id = kept.id
        union all
        select m.id, m.created_by, m.revoked_at is not null or coalesce(m.expires_at <= clock_timestamp(), false)
        from makers join kpay.api_keys m on m.id = makers.created_by
      )
      select from makers where ended
    ) as "makerEnded"
    from kpay.api_keys kept where id = any(${[...new Set(ids)]}::text[])`.execute(ledger.db);
  const found = new Map(rows.map(({ now, makerEnded, ...row }) => [row.id, { row, now, makerEnded }]));
  return ids.map((id) => found.get(id));
}
