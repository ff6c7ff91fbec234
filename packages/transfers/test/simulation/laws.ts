import type { Simulator } from '@kpay/simulator';
import { isFinal, type Ledger, type TransferEventRow, type TransferRow } from '../../src/index.ts';

// What must hold whatever happens. Each answers the sentences that say how it is broken; none: it holds.

type Truth = ReturnType<Simulator['control']['truth']>;

/** Until when after its start an attempt may be written: its lease less the call's timeout. */
const WRITABLE_MS = 25_000;

/** Looked at after every step. */
export async function brokenNow(ledger: Ledger, simulator: Simulator): Promise<string[]> {
  const rows = await ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at').execute();
  const truth = simulator.control.truth({ requests: 0 });
  return [...unordered(rows, truth), ...brokenEffects(rows, truth), ...overdrawn(rows, truth), ...truth.money.problems];
}

/** Looked at when a life is over: every send and every event of it, against what KPay received. */
export async function brokenHistory(ledger: Ledger, simulator: Simulator): Promise<string[]> {
  const rows = await ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at').execute();
  const events = await ledger.db.selectFrom('kpay.transfer_events').selectAll().orderBy('version').execute();
  return [
    ...rows.flatMap((row) =>
      unexplained(
        row,
        events.filter((event) => event.transfer_id === row.id),
      ),
    ),
    ...(await brokenSends(ledger, rows, simulator.control.truth())),
    ...rows.flatMap((row) => unfinished(row)),
  ];
}

function unordered(rows: readonly TransferRow[], truth: Truth): string[] {
  const ids = new Set<string | null>(rows.map((row) => row.kpay_external_id));
  return truth.transfers
    .filter(({ externalId }) => !ids.has(externalId))
    .map(({ id }) => `KPay made ${id}, which nobody ordered`);
}

function brokenEffects(rows: readonly TransferRow[], truth: Truth): string[] {
  return rows.flatMap((row) => {
    const effects = effectsOf(row, truth);
    if (effects > 1) return [`${nameOf(row)} had ${effects} effects`];
    if (row.state === 'succeeded' && effects === 0) return [`${nameOf(row)} succeeded (${row.confirmed_by}) without an effect`];
    if (isFinal(row.state) && row.state !== 'succeeded' && effects > 0)
      return [`${nameOf(row)} is ${row.state}, but money moved`];
    return [];
  });
}

/** What is under way and has not happened yet must be covered by the money KPay has: nobody takes any from outside. */
function overdrawn(rows: readonly TransferRow[], truth: Truth): string[] {
  const owed = new Map<string, number>();
  for (const row of rows) {
    if (!['submitting', 'unconfirmed'].includes(row.state) || effectsOf(row, truth) > 0) continue;
    owed.set(row.currency, (owed.get(row.currency) ?? 0) + Number(row.amount_minor));
  }
  return [...owed].flatMap(([currency, minor]) => {
    const wallets = truth.wallets.filter((wallet) => wallet.currency === currency);
    const held = wallets.reduce((sum, wallet) => sum + Number(wallet.availableBalance), 0) * 10 ** decimalsOf(currency);
    return minor > held + 0.5 ? [`${minor} minor ${currency} are being sent, ${held} are there`] : [];
  });
}

function unexplained(row: TransferRow, events: readonly TransferEventRow[]): string[] {
  let state: string | null = null;
  let version = 0;
  for (const event of events) {
    if (event.version !== version + 1) return [`${nameOf(row)} has event ${event.version} after ${version}`];
    if (event.from_state !== state) return [`${nameOf(row)} leaves ${event.from_state}, but was ${state}`];
    state = event.to_state;
    version = event.version;
  }
  return state === row.state && version === row.version
    ? []
    : [`${nameOf(row)} is ${row.state} v${row.version}; its events say ${state} v${version}`];
}

/** One id, one body; one request for an attempt, while its lease lets it; no attempt under a pause. */
async function brokenSends(ledger: Ledger, rows: readonly TransferRow[], truth: Truth): Promise<string[]> {
  const attempts = await ledger.db.selectFrom('kpay.attempts').selectAll().orderBy('started_at').execute();
  const pauses = await ledger.db.selectFrom('kpay.pauses').selectAll().execute();
  return rows.flatMap((row) => {
    const own = attempts.filter((attempt) => attempt.transfer_id === row.id);
    const requests = truth.requests.filter((request) => request.externalId === row.kpay_external_id);
    const bodies = new Set([...own.map((attempt) => attempt.body_hash), ...requests.map((request) => request.bodyHash)]);
    const broken = bodies.size > 1 ? [`${nameOf(row)} was sent with ${bodies.size} bodies`] : [];
    const used = new Set<number>();
    for (const { receivedAt } of requests) {
      const at = Date.parse(receivedAt);
      const attempt = own.findLast((each) => each.started_at.getTime() <= at);
      if (!attempt || at > attempt.started_at.getTime() + WRITABLE_MS) broken.push(`${nameOf(row)} was sent outside its lease`);
      else if (used.has(attempt.number)) broken.push(`${nameOf(row)}: attempt ${attempt.number} was sent twice`);
      else used.add(attempt.number);
      if (row.finished_at && at > row.finished_at.getTime()) broken.push(`${nameOf(row)} was sent after it was ${row.state}`);
    }
    for (const { number, started_at: at, ...attempt } of own) {
      if (attempt.detail === 'lease_expired' && attempt.ended_at && attempt.ended_at < attempt.lease_until) {
        broken.push(`${nameOf(row)}: attempt ${number} was given up before its lease ended`);
      }
      const before = own.find((each) => each.number === number - 1);
      const over = before && ((before.ended_at !== null && before.ended_at <= at) || before.lease_until <= at);
      if (before && !over) broken.push(`${nameOf(row)}: attempt ${number} began while ${number - 1} was under way`);
      const pause = pauses.find(
        (each) =>
          each.created_at < at &&
          (each.lifted_at === null || each.lifted_at > at) &&
          (each.until === null || each.until > at) &&
          (each.corridor === null || each.corridor === `${row.source_country}-${row.destination_country}`),
      );
      if (pause) broken.push(`${nameOf(row)}: attempt ${number} was begun under a pause (${pause.scope})`);
    }
    return broken;
  });
}

function unfinished(row: TransferRow): string[] {
  if (!isFinal(row.state)) return [`${nameOf(row)} is still ${row.state} at the end: ${row.reason}`];
  if (row.lease_until !== null || row.due_at !== null) return [`${nameOf(row)} is ${row.state} and still has a lease or is due`];
  return [];
}

function effectsOf(row: TransferRow, truth: Truth): number {
  return truth.transfers.filter(({ externalId }) => externalId === row.kpay_external_id).length;
}

function nameOf(row: TransferRow): string {
  return `transfer ${row.external_id}`;
}

function decimalsOf(currency: string): number {
  return ['XAF', 'XOF', 'RWF', 'UGX'].includes(currency) ? 0 : 2;
}
