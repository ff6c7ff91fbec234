import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer, type TransferEngine, wakeFunded, wakeRated } from '../faces/worker.ts';
import type { TransferRow } from '../index.ts';
import { tendRefusals } from './refusals.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const DOOMED = 300;
const TOGETHER = 10;

/** KPay shows one figure for XAF, so Gabon's money looks like Cameroon's. */
function setBalances(cmr: number, gab: number) {
  stage.simulator.control.setBalance({ country: 'CMR', balance: cmr });
  stage.simulator.control.setBalance({ country: 'GAB', balance: gab });
}

const sends = () => stage.simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;

async function accept(count: number, body: Record<string, unknown>): Promise<TransferRow[]> {
  const rows: TransferRow[] = [];
  for (let n = 0; n < count; n++) rows.push(await stage.accept({ ...body, externalId: `${body.externalId}-${n}` }));
  return rows;
}

/** Does what a worker does in a second of the ledger's time. */
async function second(engine: TransferEngine): Promise<void> {
  const { ledger } = stage;
  await ledger.transaction((tx) => tendRefusals(tx, 'default'));
  await wakeFunded(ledger, engine.account, 600_000);
  await wakeRated(ledger, engine.account, 600_000);
  const { rows } = await sql<{ id: string }>`
    select id from kpay.transfers where due_at <= ${ledger.now()} order by priority desc, created_at`.execute(ledger.db);
  for (let from = 0; from < rows.length; from += TOGETHER) {
    await Promise.all(rows.slice(from, from + TOGETHER).map(({ id }) => advanceTransfer(engine, id, never)));
  }
  ledger.passMs(1_000);
}

async function untilSucceeded(id: string, engine: TransferEngine, mostSeconds: number): Promise<number> {
  for (let passed = 1; passed <= mostSeconds; passed++) {
    await second(engine);
    if ((await stage.find(id)).state === 'succeeded') return passed;
  }
  throw new Error(`${id} is not sent after ${mostSeconds} s`);
}

it('600 doomed orders delay nobody, cost 20 requests, and start once money shows', {
  timeout: 180_000,
}, async () => {
  setBalances(0, 100_000_000);
  const broke = await accept(DOOMED, { externalId: 'broke', priority: 9 });
  await accept(DOOMED, { externalId: 'low', sourceCountry: 'KEN', destinationCountry: 'UGA', minRate: 1_000, priority: 9 });
  const funded = await stage.accept({ externalId: 'funded', sourceCountry: 'GAB', priority: 0 });
  const engine = await stage.engine();
  expect(await untilSucceeded(funded.id, engine, 10)).toBeLessThanOrEqual(10);
  for (let passed = 0; passed < 600; passed++) await second(engine);
  expect(sends() - 1).toBeLessThanOrEqual(20);

  setBalances(200_000_000, 100_000_000);
  // KPay is read again, as every 30 s.
  const later = await stage.engine();
  await untilSucceeded(broke[DOOMED - 1]?.id ?? '', later, 15);
  const states = await Promise.all(broke.map(async ({ id }) => (await stage.find(id)).state));
  expect(new Set(states)).toEqual(new Set(['succeeded']));
});

it('finds money that the figure does not show within two minutes, by one probe', async () => {
  setBalances(0, 100_000_000);
  const broke = await accept(20, { externalId: 'broke' });
  const engine = await stage.engine();
  for (let passed = 0; passed < 400; passed++) await second(engine);
  setBalances(50_000_000, 50_000_000);
  expect(await untilSucceeded(broke[0]?.id ?? '', engine, 125)).toBeLessThanOrEqual(125);
});

it('lets smaller orders of the wallet through while one is too big for it', async () => {
  setBalances(1_000_000, 100_000_000);
  const big = await stage.accept({ externalId: 'big', amount: 5_000_000, priority: 9 });
  const small = await accept(10, { externalId: 'small' });
  const engine = await stage.engine();
  for (const { id } of small.slice(0, 9)) await untilSucceeded(id, engine, 5);
  expect(await stage.find(big.id)).toMatchObject({ state: 'holding', reason_code: 'insufficient_funds' });
  expect(sends()).toBeLessThanOrEqual(12);
});

it('holds one behind a wallet that refused others, and fails it by its own 422 only', async () => {
  setBalances(0, 100_000_000);
  await stage.accept({ externalId: 'waits' });
  const engine = await stage.engine();
  await second(engine);
  const fails = await stage.accept({ externalId: 'fails', onInsufficientFunds: 'fail', priority: 9 });
  await second(engine);
  expect(await stage.find(fails.id)).toMatchObject({ state: 'holding', reason_code: 'insufficient_funds', attempts: 0 });
  for (let passed = 0; passed < 600 && (await stage.find(fails.id)).state === 'holding'; passed++) await second(engine);
  expect(await stage.find(fails.id)).toMatchObject({ state: 'failed', attempts: 1 });
});

it('wakes one that was refused once and is held for funds later, when money arrives', async () => {
  setBalances(0, 100_000_000);
  const row = await stage.accept();
  const engine = await stage.engine();
  await second(engine);
  expect(await stage.find(row.id)).toMatchObject({ state: 'holding', refused_before: true });
  setBalances(0, 0);
  const poor = await stage.engine();
  for (let passed = 0; passed < 60; passed++) await second(poor);
  expect(await stage.find(row.id)).toMatchObject({ state: 'holding', reason_code: 'insufficient_funds' });
  setBalances(1_000_000, 0);
  await untilSucceeded(row.id, await stage.engine(), 20);
});

it('holds what goes a way that KPay refused three times, and probes it with one', async () => {
  setBalances(100_000_000, 100_000_000);
  stage.simulator.control.addFault({
    match: { endpoint: 'transfer', country: 'SEN' },
    fault: { kind: 'status', status: 404 },
  });
  const lost = await accept(50, { externalId: 'lost' });
  const other = await stage.accept({ externalId: 'other', destinationCountry: 'GAB', priority: 0 });
  const engine = await stage.engine();
  await untilSucceeded(other.id, engine, 10);
  for (let passed = 0; passed < 300; passed++) await second(engine);
  expect(sends()).toBeLessThanOrEqual(20);
  stage.simulator.control.clearFaults();
  const last = lost[49]?.id ?? '';
  expect(await stage.find(last)).toMatchObject({ state: 'holding', reason_code: 'corridor_refused' });
  await untilSucceeded(last, engine, 130);
});
