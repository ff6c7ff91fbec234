import { createProducer } from '@kpay/producer';
import { eventually, testServerUrls } from '@kpay/testkit';
import type { TransferRow } from '@kpay/transfers';
import { liftPause, pause } from '@kpay/transfers/operations';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

const JOBS = 5_000;
// The bound for a loaded machine with servers in containers. The measured value is printed.
const WITHIN_MS = 120_000;
const REPEATS = 1_000;
const MEGABYTE = 1_000_000;

describe.skipIf(!testServerUrls())('intake on a real Redis and Postgres', () => {
  let stage: WorkerStage;
  beforeAll(async () => {
    stage = await openWorkerStage();
  });
  afterAll(() => stage.close());

  async function rowsOf(externalId: string): Promise<TransferRow[]> {
    return stage.ledger.db.selectFrom('kpay.transfers').selectAll().where('external_id', '=', externalId).execute();
  }

  async function countOf(prefix: string): Promise<number> {
    const { count } = await stage.ledger.db
      .selectFrom('kpay.transfers')
      .select((it) => it.fn.countAll<string>().as('count'))
      .where('external_id', 'like', `${prefix}%`)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  function sends(): number {
    return stage.simulator.control.truth({ requests: 0, transfers: 0 }).requestCounts.byEndpoint.transfer ?? 0;
  }

  it(`makes ledger rows of ${JOBS} jobs on a paused account, and sends none`, { timeout: 200_000 }, async () => {
    const paused = await pause(stage.ledger, { scope: 'account', account: 'default' }, { by: 'ada', reason: 'a look around' });
    onTestFinished(async () => {
      // Without a worker, because a job that reads its removed transfer would be accepted again.
      await stage.stopWorker();
      await stage.emptyDoor();
      await sql`truncate kpay.transfers cascade`.execute(stage.ledger.db);
      await liftPause(stage.ledger, paused.id, 'ada');
      await stage.startWorker();
    });
    const producer = createProducer({ account: 'default', connection: stage.redisUrl ?? '' });
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    const added = addAll().then(() => performance.now() - startedMs);
    // Not all at once: each is given up when Redis does not confirm it within 5 s, the wait behind the others included.
    async function addAll(): Promise<void> {
      for (let first = 0; first < JOBS; first += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, n) => producer.enqueue(order(`door-${first + n}`))));
      }
    }
    await eventually(async () => expect(await countOf('door-')).toBe(JOBS), { timeoutMs: WITHIN_MS, everyMs: 100 });
    const tookMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    process.stdout.write(
      `${JOBS} jobs were enqueued in ${((await added) / 1_000).toFixed(1)} s and rows ${(tookMs / 1_000).toFixed(1)} s after the first; ` +
        `producer and worker computed for ${((user + system) / 1_000_000).toFixed(1)} s\n`,
    );
    await producer.close();
    expect(tookMs).toBeLessThan(WITHIN_MS);
    expect(sends()).toBe(0);
  });

  it(`makes one transfer and one send of a job added ${REPEATS} times with one externalId`, { timeout: 60_000 }, async () => {
    const startedMs = performance.now();
    const jobs = await Promise.all(Array.from({ length: REPEATS }, (_, n) => stage.add(order('again'), { jobId: `again-${n}` })));
    const results = await Promise.all(jobs.map((job) => stage.result(job)));
    process.stdout.write(`${REPEATS} repeats were answered in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`);
    expect(new Set(results.map(({ transferId }) => transferId)).size).toBe(1);
    const rows = await rowsOf('again');
    expect(rows).toMatchObject([{ state: 'succeeded', attempts: 1 }]);
    const effects = stage.simulator.control.truth().transfers.filter((made) => made.externalId === rows[0]?.kpay_external_id);
    expect(effects).toHaveLength(1);
  });

  const large = 'x'.repeat(MEGABYTE);
  it.each<[string, RegExp, unknown]>([
    ['description', /^description: must be at most 255 characters$/, { ...order('large'), description: large }],
    ['externalId', /^externalId: must be at most 128 characters$/, { ...order('large'), externalId: large }],
    ['metadata value', /^metadata\.team: must be at most 500 characters$/, { ...order('large'), metadata: { team: large } }],
    ['metadata key', /^metadata/, { ...order('large'), metadata: { [large]: 'team' } }],
    ['amount', /^amount: /, { ...order('large'), amount: large }],
    ['amount of digits', /^amount: /, { ...order('large'), amount: '9'.repeat(MEGABYTE) }],
    ['rate', /^minRate: /, { ...order('large'), minRate: '9'.repeat(MEGABYTE) }],
    ['country', /^sourceCountry: /, { ...order('large'), sourceCountry: large }],
    ['time', /^notBefore: /, { ...order('large'), notBefore: large }],
    ['name of a field', /^x{80}…: is not a field of a transfer$/, { ...order('large'), [large]: 1 }],
    [
      'list of fields',
      / is not a field of a transfer$/,
      { ...order('large'), ...Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`f${n}`, n])) },
    ],
    ['text instead of a transfer', /^body: must be a JSON object$/, large],
    ['null', /^body: must be a JSON object$/, null],
  ])('fails a job with 1 MB of %s shortly and clearly, and goes on', async (_title, reason, data) => {
    const before = await countOf('');
    const failure = await stage.result(await stage.add(data, { attempts: 3 })).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).toMatch(reason);
    expect(failure?.length).toBeLessThan(200);
    expect(await countOf('')).toBe(before);
  });

  it('goes on after all of them', async () => {
    expect(await stage.result(await stage.add(order('after-all')))).toMatchObject({ state: 'succeeded' });
  });
});
