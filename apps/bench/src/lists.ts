import { createLogger, type Database, openPostgres } from '@kpay/runtime';
import { localPostgres } from '@kpay/testkit';
import {
  type Ledger,
  type LedgerSchema,
  listTransfers,
  openLedger,
  type TransferFilter,
  type TransferPosition,
} from '@kpay/transfers';
import pg from 'pg';
import { median } from './median.ts';

/** What one list costs in a small ledger and in a large one. */
export interface ListCost {
  what: string;
  /** Rows on the page; the same on both sides, or the comparison says nothing. */
  rows: { small: number; large: number };
  /** Medians. */
  ms: { small: number; large: number };
}

const PAGE = 51;
/** How many transfers there are of whatever is rare, in a ledger of any size. */
const RARE = 10;

/**
 * Lists and searches of every kind in a ledger of 10,000 transfers and in one of `transfers`, in turn, on one Postgres.
 * The ledger is asked as the API asks it; HTTP, which costs the same on both sides, is left out.
 */
export async function measureLists({ transfers, rounds }: { transfers: number; rounds: number }): Promise<ListCost[]> {
  const server = await localPostgres(['fsync=off', 'shared_buffers=512MB', 'max_wal_size=4GB', 'maintenance_work_mem=256MB']);
  if ('unavailable' in server) throw new Error(`the benchmarks need it: ${server.unavailable}`);
  const opened: Database[] = [];
  try {
    const small = await fill(server.url, 'small', 10_000, opened);
    const large = await fill(server.url, 'large', transfers, opened);
    const costs: ListCost[] = [];
    for (const { what, filter, from = 0 } of kinds) {
      const sides = { small: { ...small, times: [] as number[], rows: 0 }, large: { ...large, times: [] as number[], rows: 0 } };
      for (let round = 0; round < rounds; round += 1) {
        for (const side of Object.values(sides)) {
          const after = from === 0 ? undefined : positionAt(side.transfers, from);
          const startedMs = performance.now();
          const page = await listTransfers(side.ledger, filterFor(filter, side.transfers), {
            limit: PAGE,
            ...(after && { after }),
          });
          side.times.push(performance.now() - startedMs);
          side.rows = page.length;
        }
      }
      costs.push({
        what,
        rows: { small: sides.small.rows, large: sides.large.rows },
        ms: { small: median(sides.small.times), large: median(sides.large.times) },
      });
    }
    return costs;
  } finally {
    for (const database of opened) await database.close();
    await server.stop();
  }
}

interface Kind {
  what: string;
  filter: TransferFilter & { stretch?: true };
  /** How far down the list the page begins, from 0 to 1. */
  from?: number;
}

const kinds: readonly Kind[] = [
  { what: 'the first page', filter: {} },
  { what: 'a page from the middle', filter: {}, from: 0.5 },
  { what: 'the last page', filter: {}, from: 0.999 },
  { what: 'an account with nearly all', filter: { account: 'default' } },
  { what: 'an account with 10', filter: { account: 'rare' } },
  { what: 'a state of most', filter: { state: 'succeeded' } },
  { what: 'a state of most, from the middle', filter: { state: 'succeeded' }, from: 0.5 },
  { what: 'a state of 10', filter: { state: 'review' } },
  { what: 'a corridor of a tenth', filter: { corridor: 'CMR-SEN' } },
  { what: 'a corridor of a tenth, from the middle', filter: { corridor: 'CMR-SEN' }, from: 0.5 },
  { what: 'a corridor of 10', filter: { corridor: 'KEN-UGA' } },
  { what: 'amounts of a half', filter: { minAmount: '500000' } },
  { what: 'amounts of 10', filter: { minAmount: '9000000', maxAmount: '9999999' } },
  { what: 'an hour in the middle', filter: { stretch: true } },
  { what: 'an externalId', filter: { externalId: 'order-5000' } },
  { what: 'a word in every tenth reason', filter: { reason: 'refused' } },
  { what: 'a word in 10 reasons', filter: { reason: 'zebra' } },
  { what: 'a word in no reason', filter: { reason: 'giraffe' } },
  { what: 'state, corridor and amounts together', filter: { state: 'failed', corridor: 'CMR-SEN', maxAmount: '500000' } },
];

const END_MS = Date.UTC(2026, 0, 1);
const EVERY_MS = 60_000;

function positionAt(transfers: number, share: number): TransferPosition {
  return { createdAt: new Date(END_MS - Math.round(transfers * share) * EVERY_MS), id: 'ffffffff-ffff-4fff-bfff-ffffffffffff' };
}

function filterFor({ stretch, ...filter }: Kind['filter'], transfers: number): TransferFilter {
  if (!stretch) return filter;
  const { createdAt } = positionAt(transfers, 0.5);
  return { ...filter, createdFrom: new Date(createdAt.getTime() - 60 * EVERY_MS), createdTo: createdAt };
}

async function fill(
  url: string,
  name: string,
  transfers: number,
  opened: Database[],
): Promise<{ ledger: Ledger; transfers: number }> {
  const own = new URL(url);
  own.pathname = `/${name}`;
  await run(url, `create database ${name}`);
  const database = await openPostgres({ url: own.toString(), logger: createLogger({ name: 'bench', level: 'silent' }) });
  opened.push(database);
  const ledger = await openLedger(database.kysely<LedgerSchema>());
  // Not by the pool, whose statements may take ten seconds.
  await run(own.toString(), rowsOf(transfers));
  await run(own.toString(), 'vacuum analyze kpay.transfers');
  return { ledger, transfers };
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** One a minute. What is rare is spread over all of them. */
function rowsOf(transfers: number): string {
  const rare = (place: number) => `(n % ${Math.floor(transfers / RARE)} = ${place})`;
  return `
    insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country, destination_country,
      amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, reason_code, reason, possibly_sent,
      created_at, updated_at, finished_at)
    select gen_random_uuid(), case when ${rare(1)} then 'rare' else 'default' end, 'order-' || n, 'admin', md5(n::text),
      gen_random_uuid(),
      case when ${rare(2)} then 'KEN' else (array['CMR', 'GAB', 'COG', 'CMR', 'GAB', 'COG', 'CMR', 'GAB', 'COG', 'CMR'])[1 + n % 10] end,
      case when ${rare(2)} then 'UGA' else (array['SEN', 'CIV', 'BEN', 'CIV', 'BEN', 'SEN', 'BEN', 'SEN', 'CIV', 'RWA'])[1 + n % 10] end,
      case when ${rare(3)} then 9500000 else 100 + (n::bigint * 7919) % 1000000 end,
      case when ${rare(2)} then 'KES' else 'XAF' end, 'XOF', 'hold', 5, state,
      case when state <> 'succeeded' then 'kpay_404' end,
      case when state <> 'succeeded' then case when ${rare(4)} then 'KPay refused it: the zebra has no wallet' else 'KPay refused it: no wallet ' || n end end,
      state = 'review', at, at, case when state <> 'review' then at end
    from (
      select n, timestamptz '${new Date(END_MS).toISOString()}' - n * interval '1 minute' as at,
        case when ${rare(5)} then 'review' when n / 10 % 10 = 0 or ${rare(4)} then 'failed' else 'succeeded' end as state
      from generate_series(1, ${transfers}) n
    ) made`;
}
