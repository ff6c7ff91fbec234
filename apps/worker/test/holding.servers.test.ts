import { setTimeout as delay } from 'node:timers/promises';
import { eventually, testServerUrls } from '@kpay/testkit';
import { liftPause, pause, resolveReview } from '@kpay/transfers/operations';
import { sweepDue, wakeFunded } from '@kpay/transfers/worker';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openWorkerStage, type WorkerStage } from './worker-stage.ts';

// On the embedded database the same with fewer, and for less long: a hundred thousand rows are another's laptop.
const ROWS = testServerUrls() ? 100_000 : 3_000;
const INTERVALS = testServerUrls() ? 4 : 2;
const PART = 20_000;
const EVERY_MS = 3_000;
/** After the read that shows it: wake, sweep and send, on a machine that runs other tests too. */
const WITHIN_MS = 1_000;
const AMOUNT_KES = 100;

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage({ balance: EVERY_MS, rate: EVERY_MS });
});
beforeEach(async () => {
  await stage.stopWorker();
  await sql`truncate kpay.transfers, kpay.transfer_events, kpay.attempts, kpay.pauses`.execute(stage.ledger.db);
  await stage.advanceQueue.obliterate({ force: true });
  stage.simulator.control.reset();
  setBalance(0);
  await stage.readBalance();
});
afterAll(() => stage.close());

function setBalance(balance: number): void {
  stage.simulator.control.setBalance({ country: 'KEN', balance });
}

function requests(): Record<string, number> {
  return { ...stage.simulator.control.truth({ requests: 0, transfers: 0 }).requestCounts.byEndpoint };
}

/** The requests since then, by endpoint. */
function since(before: Record<string, number>): Record<string, number> {
  const counts = Object.entries(requests()).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** KEN to UGA, 100 KES each, held for a reason, of priorities 0 to 9; the higher its number the younger. */
/** Each with a least rate of its own, in parts, because one statement may take 10 s at most. */
async function insertHeld(reasonCode: string): Promise<void> {
  for (let from = 1; from <= ROWS; from += PART) await insertPart(reasonCode, from, Math.min(ROWS, from + PART - 1));
}

async function insertPart(reasonCode: string, from: number, to: number): Promise<void> {
  await sql`
    insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country,
      destination_country, amount_minor, currency, destination_currency, on_insufficient_funds, priority,
      min_rate, state, version, reason_code, reason, hold_until, due_at, created_at, updated_at)
    select gen_random_uuid(), 'default', 'held-' || n, 'admin', '', gen_random_uuid(), 'KEN', 'UGA', ${AMOUNT_KES * 100},
      'KES', 'UGX', 'hold', n % 10, ${reasonCode === 'rate_below_minimum' ? sql`20 + n` : null}, 'holding', 2, ${reasonCode}, 'as inserted',
      now() + interval '1 hour', now() + interval '1 hour', now() - interval '1 hour' + n * interval '1 ms', now()
    from generate_series(${from}::int, ${to}::int) as n`.execute(stage.ledger.db);
}

/** A transfer in review with this amount: it may have happened. */
async function insertReview(amount: number): Promise<void> {
  await sql`
    insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country,
      destination_country, amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, version,
      attempts, possibly_sent, send_body, created_at, updated_at)
    values (gen_random_uuid(), 'default', 'in-review', 'admin', '', gen_random_uuid(), 'KEN', 'UGA', ${amount * 100}, 'KES', 'UGX',
      'hold', 5, 'review', 2, 1, true, '{}', now(), now())`.execute(stage.ledger.db);
}

async function inState(state: string): Promise<string[]> {
  const rows = await stage.ledger.db
    .selectFrom('kpay.transfers')
    .select('external_id')
    .where('state', '=', state as 'holding')
    .execute();
  return rows.map(({ external_id }) => external_id ?? '').sort();
}

/**
 * They are the first by priority, then age. Ten are under way at once: where the money ends one may overtake another.
 */
function expectFirst(ids: readonly string[], count: number): void {
  const numbers = Array.from({ length: ROWS }, (_, index) => index + 1);
  const sorted = numbers.sort((a, b) => (b % 10) - (a % 10) || a - b);
  const first = new Set(sorted.slice(0, count + 10).map((n) => `held-${n}`));
  expect(ids.filter((id) => !first.has(id))).toEqual([]);
}

/** When the simulator received the first transfer. */
function firstSendMs(): number {
  const first = stage.simulator.control.truth().requests.find(({ endpoint }) => endpoint === 'transfer');
  if (!first) throw new Error('nothing was sent');
  return Date.parse(first.receivedAt);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  process.stdout.write(`  ${what}: ${(performance.now() - startedMs).toFixed(1)} ms\n`);
  return result;
}

describe(`${ROWS} transfers held for funds`, () => {
  it('cost one balance in each interval, and start within one of the money, in order', {
    timeout: 120_000,
  }, async () => {
    await timed('inserting them', () => insertHeld('insufficient_funds'));
    await timed('a sweep of them', () => sweepDue(stage.ledger, 'default', stage.advanceQueue));
    await stage.startWorker();

    const before = requests();
    await delay(INTERVALS * EVERY_MS);
    const spent = since(before);
    process.stdout.write(`  ${INTERVALS} intervals of ${EVERY_MS / 1_000} s: ${JSON.stringify(spent)}\n`);
    expect(Object.keys(spent)).toEqual(['balance']);
    expect(spent.balance).toBeLessThanOrEqual(INTERVALS + 1);

    setBalance(30 * AMOUNT_KES);
    const arrivedMs = Date.now();
    await eventually(async () => expect(await inState('succeeded')).toHaveLength(30), { timeoutMs: 3 * EVERY_MS });
    const tookMs = firstSendMs() - arrivedMs;
    process.stdout.write(`  from the money's arrival to the first send: ${tookMs} ms of ${EVERY_MS} ms\n`);
    expect(tookMs).toBeLessThanOrEqual(EVERY_MS + WITHIN_MS);
    expectFirst(await inState('succeeded'), 30);

    // Transfers that the money does not cover are not tried.
    await delay(EVERY_MS);
    expect(since({}).transfer).toBe(30);
    expect(await inState('holding')).toHaveLength(ROWS - 30);
  });

  it('start within an interval when a reservation of ours ends, unchanged at KPay', {
    timeout: 120_000,
  }, async () => {
    setBalance(10 * AMOUNT_KES);
    await insertHeld('insufficient_funds');
    await insertReview(10 * AMOUNT_KES);
    await stage.startWorker();
    await delay(2 * EVERY_MS);
    expect(await inState('holding')).toHaveLength(ROWS);
    expect(since({}).transfer).toBeUndefined();

    const [review] = await stage.ledger.db.selectFrom('kpay.transfers').select('id').where('state', '=', 'review').execute();
    const resolvedMs = Date.now();
    await resolveReview(stage.ledger, stage.epochWitness, review?.id ?? '', {
      by: 'ada',
      verdict: 'not_happened',
      reason: 'not in the list',
    });
    await eventually(async () => expect(await inState('succeeded')).toHaveLength(10), { timeoutMs: 3 * EVERY_MS });
    const tookMs = firstSendMs() - resolvedMs;
    expectFirst(await inState('succeeded'), 10);
    process.stdout.write(`  from the resolution to the first send: ${tookMs} ms of ${EVERY_MS} ms\n`);
    expect(tookMs).toBeLessThanOrEqual(EVERY_MS + WITHIN_MS);
  });

  it('are looked at in milliseconds, whether the money does for none or for some', { timeout: 120_000 }, async () => {
    await insertHeld('insufficient_funds');
    const account = stage.account;
    await timed('a look while there is no money', () => wakeFunded(stage.ledger, account, 60_000));
    setBalance(AMOUNT_KES * 50);
    await stage.readBalance();
    expect(await timed('a look that wakes 50', () => wakeFunded(stage.ledger, account, 60_000))).toBe(50);
    expect(await timed('a look while they wait for their turn', () => wakeFunded(stage.ledger, account, 60_000))).toBe(0);
    setBalance(AMOUNT_KES * ROWS);
    await stage.readBalance();
    expect(await timed('a look that wakes all it may', () => wakeFunded(stage.ledger, account, 60_000))).toBe(950);
    expect(await timed('a look while enough are awake', () => wakeFunded(stage.ledger, account, 60_000))).toBe(0);
    await timed('a sweep of those', () => sweepDue(stage.ledger, 'default', stage.advanceQueue));
  });
});

describe(`${ROWS} transfers held for a rate`, () => {
  it('cost one rate in each interval, and those that it suits start within one', {
    timeout: 120_000,
  }, async () => {
    setBalance(ROWS * AMOUNT_KES);
    stage.simulator.control.setRate({ from: 'KES', to: 'UGX', rate: 20 });
    await insertHeld('rate_below_minimum');
    await stage.startWorker();
    const before = requests();
    await delay(INTERVALS * EVERY_MS);
    const spent = since(before);
    process.stdout.write(`  ${INTERVALS} intervals of ${EVERY_MS / 1_000} s: ${JSON.stringify(spent)}\n`);
    expect(spent['exchange-rate']).toBeLessThanOrEqual(INTERVALS + 1);
    expect(spent.transfer).toBeUndefined();

    stage.simulator.control.setRate({ from: 'KES', to: 'UGX', rate: 45.5 });
    const changedMs = Date.now();
    await eventually(async () => expect(await inState('succeeded')).toHaveLength(25), { timeoutMs: 3 * EVERY_MS });
    const tookMs = firstSendMs() - changedMs;
    process.stdout.write(`  from the rate's recovery to the first send: ${tookMs} ms of ${EVERY_MS} ms\n`);
    expect(tookMs).toBeLessThanOrEqual(EVERY_MS + WITHIN_MS);
    await delay(EVERY_MS);
    expect(since({}).transfer).toBe(25);
  });
});

describe(`${ROWS} transfers under a pause`, () => {
  it('are started by priority, then age, when it is lifted, and sweeps stay quick', {
    timeout: 120_000,
  }, async () => {
    const goes = 150;
    setBalance(goes * AMOUNT_KES);
    await stage.readBalance();
    const paused = await pause(stage.ledger, { scope: 'account', account: 'default' }, { by: 'ada', reason: 'a look around' });
    await insertHeld('paused');
    await timed('a sweep under the pause', () => sweepDue(stage.ledger, 'default', stage.advanceQueue));
    await timed('lifting the pause', () => liftPause(stage.ledger, paused.id, 'ada'));
    await timed('a sweep after it', () => sweepDue(stage.ledger, 'default', stage.advanceQueue));
    await stage.startWorker();
    await eventually(async () => expect((await inState('succeeded')).length).toBeGreaterThan(goes - 20), { timeoutMs: 30_000 });
    expectFirst(await inState('succeeded'), goes);
    await timed('a sweep in the middle of it', () => sweepDue(stage.ledger, 'default', stage.advanceQueue));
  });
});
