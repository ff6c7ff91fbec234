import pg from 'pg';
import { Pool } from 'undici';
import { median } from './median.ts';
import { openStage, type Stage } from './stage.ts';

/** The cost of one list in a small ledger and in a large one. */
export interface ListCost {
  what: string;
  /** Rows on the page. They must be equal on both sides for a fair comparison. */
  rows: { small: number; large: number };
  /** Medians. */
  ms: { small: number; large: number };
}

/** How many rare transfers a ledger of any size has. */
const RARE = 10;
const SERVER = ['fsync=off', 'shared_buffers=512MB', 'max_wal_size=4GB', 'maintenance_work_mem=256MB'];

/**
 * Measures lists and searches of every kind in a ledger of 10,000 transfers and in one of `transfers`, in turn, on one
 * Postgres. Each ledger has its own admin API, and the time is from the request to the last byte of the answer.
 */
export async function measureLists({ transfers, rounds }: { transfers: number; rounds: number }): Promise<ListCost[]> {
  const stage = await openStage({ postgres: SERVER });
  const opened: Side[] = [];
  try {
    const small = await openSide(stage, 'small', 10_000, opened);
    const large = await openSide(stage, 'large', transfers, opened);
    const costs: ListCost[] = [];
    for (const { what, filter, from = 0 } of kinds) {
      const measured = [small, large].map((side) => ({ side, path: '', times: [] as number[], rows: 0 }));
      for (const each of measured) each.path = await pathOf(each.side, filter, from);
      for (let round = 0; round < rounds; round += 1) {
        for (const each of measured) {
          const startedMs = performance.now();
          const page = await each.side.read(each.path);
          each.times.push(performance.now() - startedMs);
          each.rows = page.items.length;
        }
      }
      const [ofSmall, ofLarge] = measured;
      if (!ofSmall || !ofLarge) throw new Error('there are two sides');
      costs.push({
        what,
        rows: { small: ofSmall.rows, large: ofLarge.rows },
        ms: { small: median(ofSmall.times), large: median(ofLarge.times) },
      });
    }
    return costs;
  } finally {
    for (const side of opened) await side.close();
    await stage.close();
  }
}

interface Page {
  items: unknown[];
  nextCursor: string | null;
}

interface Side {
  transfers: number;
  read(path: string): Promise<Page>;
  close(): Promise<void>;
}

const STRETCH = 'an hour';

interface Kind {
  what: string;
  filter: Readonly<Record<string, string>> | typeof STRETCH;
  /** How far down the list the page begins, from 0 to 1; `end`: 30 before its end. */
  from?: number | 'end';
}

const kinds: readonly Kind[] = [
  { what: 'the first page', filter: {} },
  { what: 'a page from the middle', filter: {}, from: 0.5 },
  { what: 'the last page', filter: {}, from: 'end' },
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
  { what: 'an hour in the middle', filter: STRETCH },
  { what: 'an externalId', filter: { externalId: 'order-5000' } },
  { what: 'a word in every tenth reason', filter: { reason: 'refused' } },
  { what: 'a word in 10 reasons', filter: { reason: 'zebra' } },
  { what: 'a word in no reason', filter: { reason: 'giraffe' } },
  { what: 'state, corridor and amounts together', filter: { state: 'failed', corridor: 'CMR-SEN', maxAmount: '500000' } },
];

const END_MS = Date.UTC(2026, 0, 1);
const EVERY_MS = 60_000;

function timeAt(transfers: number, share: number): Date {
  return new Date(END_MS - Math.round(transfers * share) * EVERY_MS);
}

async function pathOf({ transfers, read }: Side, filter: Kind['filter'], from: number | 'end'): Promise<string> {
  const path = `/v1/transfers?${new URLSearchParams(queryOf(filter, transfers))}`;
  if (from === 0) return path;
  // A cursor of this list, moved. Reaching the place page by page would take ten thousand cursors.
  const { nextCursor } = await read(`${path}&limit=1`);
  const [, , madeFor] = JSON.parse(Buffer.from(nextCursor ?? '', 'base64url').toString());
  const moved = [
    timeAt(transfers, from === 'end' ? 1 - 30 / transfers : from).toISOString(),
    'ffffffff-ffff-4fff-bfff-ffffffffffff',
    madeFor,
  ];
  return `${path}&cursor=${Buffer.from(JSON.stringify(moved)).toString('base64url')}`;
}

function queryOf(filter: Kind['filter'], transfers: number): Record<string, string> {
  if (filter !== STRETCH) return { ...filter };
  const end = timeAt(transfers, 0.5);
  return { createdFrom: new Date(end.getTime() - 60 * EVERY_MS).toISOString(), createdTo: end.toISOString() };
}

async function openSide(stage: Stage, name: string, transfers: number, opened: Side[]): Promise<Side> {
  const url = await stage.createDatabase(name);
  const { url: apiUrl, token } = await stage.startAdminApi({ DATABASE_URL: url, KPAY_API_REQUESTS_PER_MINUTE: '1000000' });
  const pool = new Pool(apiUrl, { connections: 1 });
  const side: Side = {
    transfers,
    async read(path) {
      const answer = await pool.request({ method: 'GET', path, headers: { authorization: `Bearer ${token}` } });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as Page;
    },
    close: () => pool.close(),
  };
  opened.push(side);
  // Not over the API's connections, whose statements may take only ten seconds.
  await run(url, rowsOf(transfers));
  await run(url, 'vacuum analyze kpay.transfers');
  return side;
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** One transfer a minute. The rare ones are spread evenly. */
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
