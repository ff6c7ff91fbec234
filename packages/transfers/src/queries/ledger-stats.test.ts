import { testServerUrls } from '@kpay/testkit';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openTestLedger } from '../../../ledger/test/test-ledger.ts';
import { openStage, type Stage } from '../../test/stage.ts';
import { pause } from '../faces/operations.ts';
import {
  advanceTransfer,
  countFinished,
  ratePairsInUse,
  readEventHorizon,
  readLedgerStats,
  recentOutflow,
  type TransferEngine,
} from '../faces/worker.ts';
import type { TransferState } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const HOUR_MS = 60 * 60_000;

async function statOf(state: TransferState) {
  const stats = await readLedgerStats(stage.ledger, ['default', 'idle']);
  expect(stats.get('idle')).toEqual({ unfinished: [], breakerOpen: false, pauses: { all: 0, account: 0, corridor: 0 } });
  return (stats.get('default')?.unfinished ?? []).filter((each) => each.state === state);
}

it('counts waiting transfers by reason, with the age of the oldest', async () => {
  const engine = await stage.engine();
  stage.simulator.control.setBalance({ country: 'CMR', balance: 0 });
  stage.simulator.control.setBalance({ country: 'GAB', balance: 0 });
  stage.simulator.control.setBalance({ country: 'COG', balance: 0 });
  const { id } = await stage.accept();
  await advanceTransfer(engine, id, never);
  stage.ledger.passMs(HOUR_MS);
  await stage.accept({ externalId: 'later' });
  const [held] = await statOf('holding');
  expect(held).toMatchObject({ reasonCode: 'insufficient_funds', count: 1, wallet: { country: 'CMR', currency: 'XAF' } });
  expect(held?.oldestMs).toBeGreaterThanOrEqual(HOUR_MS);
  expect(await statOf('queued')).toMatchObject([{ reasonCode: null, count: 1 }]);
  expect(await ratePairsInUse(stage.ledger, 'default')).toEqual(['XAF:XOF']);
});

it('an unconfirmed transfer is as old as its first send without an answer', async () => {
  const engine = await stage.engine();
  const { addFault } = stage.simulator.control;
  addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'status', status: 503 } });
  const { id } = await stage.accept();
  await advanceTransfer(engine, id, never);
  stage.ledger.passMs(HOUR_MS);
  await advanceTransfer(engine, id, never);
  const [unconfirmed] = await statOf('unconfirmed');
  expect(unconfirmed).toMatchObject({ count: 1 });
  expect(unconfirmed?.oldestMs).toBeGreaterThanOrEqual(HOUR_MS);
});

it('how each send ended is told', async () => {
  const answers: Parameters<NonNullable<TransferEngine['onAnswer']>>[0][] = [];
  const engine = await stage.engine({ onAnswer: (answer) => answers.push(answer) });
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'before' } });
  await stage.settle((await stage.accept()).id, engine);
  expect(answers).toEqual(['unknown', 'succeeded']);
});

it('outflow is what left to another currency lately, and nothing else', async () => {
  const engine = await stage.engine();
  await stage.settle((await stage.accept()).id, engine);
  await stage.settle((await stage.accept({ externalId: 'within', destinationCountry: 'GAB' })).id, engine);
  expect(await recentOutflow(stage.ledger, 'default', HOUR_MS)).toEqual(new Map([['XAF', { amount: 100_000, overMs: HOUR_MS }]]));
  expect(await countFinished(stage.ledger, ['default', 'idle'])).toEqual(
    new Map([
      ['default', new Map([['succeeded', 2]])],
      ['idle', new Map()],
    ]),
  );
  stage.ledger.passMs(2 * HOUR_MS);
  expect(await recentOutflow(stage.ledger, 'default', HOUR_MS)).toEqual(new Map([['XAF', { amount: 0, overMs: HOUR_MS }]]));
});

it('a pause of everything is told for each account, one of another account is not', async () => {
  await stage.engine();
  const why = { by: 'a person', reason: 'a test' };
  await pause(stage.ledger, { scope: 'all' }, why);
  await pause(stage.ledger, { scope: 'account', account: 'other' }, why);
  await pause(stage.ledger, { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' }, why);
  const stats = await readLedgerStats(stage.ledger, ['default', 'other']);
  expect(stats.get('default')).toMatchObject({ pauses: { all: 1, account: 0, corridor: 1 }, breakerOpen: false });
  expect(stats.get('other')).toMatchObject({ pauses: { all: 1, account: 1, corridor: 0 }, breakerOpen: false });
});

it('nothing holds the horizon of the events while nothing is open', async () => {
  expect(await readEventHorizon(stage.ledger)).toMatchObject({ held: testServerUrls() ? expect.any(Boolean) : false });
});

// An embedded database has one session.
it.skipIf(!testServerUrls())('a transaction of another database that may still write holds the horizon', async () => {
  const other = await openTestLedger();
  const begun = Promise.withResolvers<string>();
  const goOn = Promise.withResolvers<void>();
  const open = other.transaction(async ({ db }) => {
    const { rows } = await sql<{ xid: string }>`select pg_current_xact_id()::text as xid`.execute(db);
    begun.resolve(rows[0]?.xid ?? '');
    await goOn.promise;
  });
  const xid = await begun.promise;
  // Another transaction that ends. Without it the open one would be the newest and hold nothing back.
  await sql`select pg_current_xact_id()`.execute(stage.ledger.db);
  const horizon = await readEventHorizon(stage.ledger);
  expect(horizon.held).toBe(true);
  expect(BigInt(horizon.xid)).toBeLessThanOrEqual(BigInt(xid));
  const later = await readEventHorizon(stage.ledger);
  expect(later.openMs).toBeGreaterThan(0);
  expect(later.xid).toBe(horizon.xid);
  goOn.resolve();
  await open;
  await other.close();
});
