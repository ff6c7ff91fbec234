import { randomUUID } from 'node:crypto';
import { eventually } from '@kpay/testkit';
import { liftPause, pause } from '@kpay/transfers/operations';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMISSION_BURST, openCompletionWaiters } from '../src/completion-waiters.ts';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterEach(() => stage.simulator.control.clearFaults());
afterAll(() => stage.close());

async function recorded(): Promise<number> {
  return (await stage.ledger.db.selectFrom('kpay.transfers').select('id').execute()).length;
}

function sends(): number {
  return stage.simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;
}

describe('a job of any BullMQ client', () => {
  it('is accepted, and completes with what KPay did', async () => {
    const startedMs = performance.now();
    const added = await stage.add({ ...order('plain'), destinationCountry: 'SEN', amount: '100000.00' });
    const result = await stage.result(added);
    process.stdout.write(`from add to completed: ${Math.round(performance.now() - startedMs)} ms\n`);

    const [atKpay] = stage.simulator.control.truth().transfers.slice(-1);
    expect(result).toEqual({
      transferId: expect.any(String),
      state: 'succeeded',
      kpayTransferId: atKpay?.id,
      exchangeRate: '1.0153',
      destinationAmount: '101530',
    });
    const { job } = await stage.read(added);
    expect(job.progress).toEqual({ accepted: result.transferId });
    // It completed where it waited; it was not put aside and fetched again.
    expect(job.attemptsStarted).toBe(1);
    expect(await stage.find(result.transferId)).toMatchObject({ owner: 'queue', external_id: 'plain', job_id: added.id });
  });

  it('added five times under five ids is one transfer, which all five answer with', async () => {
    const before = sends();
    const jobs = await Promise.all([1, 2, 3, 4, 5].map((n) => stage.add(order('five'), { jobId: `five-${n}` })));
    const results = await Promise.all(jobs.map((job) => stage.result(job)));
    expect(new Set(results.map(({ transferId }) => transferId)).size).toBe(1);
    expect(sends() - before).toBe(1);
  });

  it('with an externalId that was used for something else fails and says so', async () => {
    await stage.result(await stage.add(order('used')));
    const other = await stage.add({ ...order('used'), amount: 60_000 });
    await expect(stage.result(other)).rejects.toThrow(/^this externalId or Idempotency-Key was already used/);
    expect((await stage.read(other)).job.progress).toEqual({ reasonCode: 'idempotency_conflict' });
  });

  it('whose transfer KPay refuses fails with the reason, once, whatever its attempts', async () => {
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'status', status: 400 } });
    const before = sends();
    const added = await stage.add(order('refused'), { attempts: 3 });
    await expect(stage.result(added)).rejects.toThrow(/^KPay refused it: /);
    const { job } = await stage.read(added);
    expect(job.attemptsMade).toBe(1);
    expect(job.progress).toEqual({ accepted: expect.any(String), reasonCode: 'kpay_400' });
    expect(sends() - before).toBe(1);
  });
});

describe('a malformed job fails at once, names the field, and leaves nothing behind', () => {
  const good = order('malformed');
  const { externalId: _, ...withoutId } = good;
  it.each<[string, string, unknown]>([
    ['no externalId', 'externalId', withoutId],
    ['an empty externalId', 'externalId', { ...good, externalId: ' ' }],
    ['an unknown field', 'minrate', { ...good, minrate: '1' }],
    ['no amount', 'amount', { ...good, amount: undefined }],
    ['amount 0', 'amount', { ...good, amount: 0 }],
    ['a negative amount', 'amount', { ...good, amount: -50_000 }],
    // JSON, in which jobs travel, makes null of both.
    ['amount NaN', 'amount', { ...good, amount: Number.NaN }],
    ['amount 1e309', 'amount', { ...good, amount: Number.POSITIVE_INFINITY }],
    ['amount "1e309"', 'amount', { ...good, amount: '1e309' }],
    ['half a franc', 'amount', { ...good, amount: 50_000.5 }],
    ['an amount below the least', 'amount', { ...good, amount: 99 }],
    ['an amount above the most', 'amount', { ...good, amount: 10_000_001 }],
    ['an unknown country', 'sourceCountry', { ...good, sourceCountry: 'XXX' }],
    ['equal countries', 'destinationCountry', { ...good, destinationCountry: 'CMR' }],
    ['a country with two currencies', 'destinationCountry', { ...good, destinationCountry: 'COD' }],
  ])('%s', async (_title, field, data) => {
    const before = { rows: await recorded(), sends: sends() };
    const added = await stage.add(data, { attempts: 3 });
    await expect(stage.result(added)).rejects.toThrow(new RegExp(`^${field}: `));
    expect((await stage.read(added)).job).toMatchObject({ attemptsMade: 1, progress: { reasonCode: 'invalid_request' } });
    expect({ rows: await recorded(), sends: sends() }).toEqual(before);
  });

  it('and the next good one goes through', async () => {
    expect(await stage.result(await stage.add(good))).toMatchObject({ state: 'succeeded' });
  });
});

describe('a job whose transfer has to wait', () => {
  /** The transfer of a job, once it is held. */
  async function held(job: Awaited<ReturnType<WorkerStage['add']>>) {
    return eventually(async () => {
      const progress = (await stage.read(job)).job.progress as { accepted: string };
      const row = await stage.find(progress.accepted);
      expect(row.state).toBe('holding');
      return row;
    });
  }

  it('for funds stays, delayed, and completes when they have come', async () => {
    const setBalance = (balance: number) => stage.simulator.control.setBalance({ country: 'KEN', balance });
    setBalance(100);
    await stage.readBalance();

    const before = sends();
    const added = await stage.add({ ...order('poor'), sourceCountry: 'KEN', destinationCountry: 'UGA' });
    const row = await held(added);
    expect(row).toMatchObject({ reason_code: 'insufficient_funds' });
    await eventually(async () => expect((await stage.read(added)).state).toBe('delayed'));
    expect(sends()).toBe(before);

    // Another process, such as the exporter, reads the new balance. So the hold of 30 s need not end first.
    setBalance(1_000_000);
    await stage.readBalance();
    expect(await stage.result(added)).toMatchObject({ transferId: row.id, state: 'succeeded' });
  });

  it('for a pause is a row at once, and is sent when the pause is lifted', async () => {
    const paused = await pause(stage.ledger, { scope: 'account', account: 'default' }, { by: 'test', reason: 'a look around' });
    const before = sends();
    const jobs = await Promise.all(['p1', 'p2', 'p3'].map((id) => stage.add(order(id))));
    for (const job of jobs) {
      expect(await held(job)).toMatchObject({ reason_code: 'paused', reason: 'paused by test: a look around', attempts: 0 });
    }
    expect(sends()).toBe(before);

    await liftPause(stage.ledger, paused.id, 'test');
    const results = await Promise.all(jobs.map((job) => stage.result(job)));
    expect(results.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(sends() - before).toBe(3);
  });
});

describe('completion waiters', () => {
  it(`sends the job after ${ADMISSION_BURST} admissions without a completion to the queue, so that BullMQ fetches others`, async () => {
    const taken: number[] = [];
    const room = openCompletionWaiters({
      ledger: stage.ledger,
      maxWaiters: 10 * ADMISSION_BURST,
      onCountChange: (now) => taken.push(now),
      onError: (error) => expect.unreachable(String(error)),
    });
    const come = () => room.wait(randomUUID(), undefined);
    const waits = Symbol('waits');
    const first = Array.from({ length: ADMISSION_BURST }, come);
    expect(await come()).toBeUndefined();
    const next = come();
    expect(await Promise.race([next, ...first, Promise.resolve(waits)])).toBe(waits);
    expect(taken.at(-1)).toBe(ADMISSION_BURST + 1);
    await room.close();
    expect(await Promise.all([...first, next])).toEqual(Array.from({ length: ADMISSION_BURST + 1 }, () => undefined));
    expect(taken.at(-1)).toBe(0);
  });
});
