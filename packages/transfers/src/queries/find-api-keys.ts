import { type ApiKeyRow, apiKeyColumns, type Ledger, prepared } from '@kpay/ledger';
import { sql } from 'kysely';

/** The rows of keys of the admin API, in the order of their ids, with the database's time; undefined where there is none. */
export async function findApiKeys(
  ledger: Ledger,
  ids: readonly string[],
): Promise<({ row: ApiKeyRow; now: Date } | undefined)[]> {
  const { rows } = await sql<ApiKeyRow & { now: Date }>`${prepared}
    select ${apiKeyColumns}, clock_timestamp() as now from kpay.api_keys where id = any(${[...new Set(ids)]}::text[])`.execute(
    ledger.db,
  );
  const found = new Map(rows.map(({ now, ...row }) => [row.id, { row, now }]));
  return ids.map((id) => found.get(id));
}
