import type { TransferEventRow, TransferRow } from '@kpay/transfers';
import { withDatabase } from './with-database.ts';

/** One call to KPay in the ledger. */
export interface AttemptRow {
  transfer_id: string;
  number: number;
  started_at: Date;
  /** When its intent was committed, which can be later than its start because of a wait for a lock. */
  committed_at: Date;
  lease_until: Date;
  body_hash: string;
  ended_at: Date | null;
  outcome: string | null;
  status: number | null;
  detail: string | null;
}

/** Everything in the ledger: attempts and events by transfer, in order. */
export interface LedgerContent {
  transfers: TransferRow[];
  attempts: Map<string, AttemptRow[]>;
  events: Map<string, TransferEventRow[]>;
}

export async function readLedger(databaseUrl: string): Promise<LedgerContent> {
  return withDatabase(databaseUrl, async (client) => {
    const transfers = await client.query<TransferRow>('select * from kpay.transfers order by created_at');
    const attempts = await client.query<AttemptRow>(
      `select a.*, c.at as committed_at
         from kpay.attempts a join chaos.commits c using (transfer_id, number) order by transfer_id, number`,
    );
    const events = await client.query<TransferEventRow>('select * from kpay.transfer_events order by transfer_id, version');
    return {
      transfers: transfers.rows,
      attempts: Map.groupBy(attempts.rows, (row) => row.transfer_id),
      events: Map.groupBy(events.rows, (row) => row.transfer_id),
    };
  });
}

/** How many transfers are neither final nor in review. */
export async function countUnsettled(databaseUrl: string): Promise<number> {
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ count: string }>(`select count(*) from kpay.transfers where finished_at is null and state <> 'review'`),
  );
  return Number(rows[0]?.count);
}

/**
 * Ends waits that would take longer than this: a backoff, a pause without an end. It has the effect of passing time.
 * Leases are not shortened.
 *
 * @returns how many waits it ended.
 */
export async function endLongWaits(databaseUrl: string, longerThanS: number): Promise<number> {
  const { rowCount } = await withDatabase(databaseUrl, (client) =>
    client.query(
      `update kpay.transfers set due_at = now()
        where lease_until is null and finished_at is null and due_at > now() + make_interval(secs => $1)`,
      [longerThanS],
    ),
  );
  return rowCount ?? 0;
}
