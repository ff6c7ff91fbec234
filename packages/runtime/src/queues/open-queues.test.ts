import { embeddedDataFolder, eventually, startRedis } from '@kpay/testkit';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../database/embedded/open-embedded-database.ts';
import { openQueues, type QueueStore, type Queues } from './open-queues.ts';

const prefix = '{kpay-default}';
const lines: string[] = [];
const logger = pino({}, { write: (line: string) => void lines.push(line) });
const closers: (() => unknown)[] = [];

let database: EmbeddedDatabase;
let names = 0;
/** Each test has a queue of its own. */
const newName = () => `kpay-advance-${++names}`;

beforeAll(async () => {
  const folder = await embeddedDataFolder();
  closers.push(folder.remove);
  database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
  closers.push(database.close);
});

afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const redis = await startRedis();
closers.push(() => 'unavailable' in redis || redis.stop());

const stores: [string, () => QueueStore, boolean][] = [
  ['the embedded database', () => ({ kind: 'embedded', database }), false],
  ['Redis', () => ({ kind: 'redis', redisUrl: 'unavailable' in redis ? '' : redis.url }), 'unavailable' in redis],
];

for (const [title, store, missing] of stores) {
  describe.skipIf(missing)(`on ${title}${'unavailable' in redis ? ` (${redis.unavailable})` : ''}`, () => {
    let queues: Queues;

    beforeAll(async () => {
      queues = await openQueues({ store: store(), logger });
      closers.push(queues.close);
    });

    it('a job is done and its result told by events; a final failure is not tried again', async () => {
      const name = newName();
      const events = queues.queueEvents(name, { prefix });
      await events.waitUntilReady();
      const queue = queues.queue<{ n: number }, number>(name, { prefix });
      let tries = 0;
      queues.worker<{ n: number }, number>(
        name,
        async ({ data }) => {
          tries++;
          if (data.n < 0) throw new UnrecoverableError('negative');
          return data.n * 2;
        },
        { prefix },
      );
      const good = await queue.add('double', { n: 21 });
      expect(await good.waitUntilFinished(events, 10_000)).toBe(42);
      const bad = await queue.add('double', { n: -1 }, { attempts: 5 });
      await expect(bad.waitUntilFinished(events, 10_000)).rejects.toThrow('negative');
      expect(tries).toBe(2);
    });

    it('does a delayed job when it is promoted, and takes its id once while it is there', async () => {
      const name = newName();
      const queue = queues.queue<{ n: number }>(name, { prefix });
      const seen: number[] = [];
      queues.worker<{ n: number }>(
        name,
        async (job, token) => {
          seen.push(job.data.n);
          if (seen.length > 1) return;
          await job.moveToDelayed(Date.now() + 600_000, token);
          throw new DelayedError();
        },
        { prefix },
      );
      await queue.add('once', { n: 1 }, { jobId: 't-1' });
      await queue.add('once', { n: 2 }, { jobId: 't-1' });
      await eventually(async () => expect(await queue.getDelayedCount()).toBe(1));
      await (await queue.getJob('t-1'))?.promote();
      await eventually(async () => expect(await queue.getCompletedCount()).toBe(1));
      expect(seen).toEqual([1, 1]);
    });

    it('closing ends what was opened, twice without harm, and lets a job finish', async () => {
      const own = await openQueues({ store: store(), logger });
      const name = newName();
      const queue = own.queue(name, { prefix });
      let ended = false;
      const begun = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const worker = own.worker(
        name,
        async () => {
          begun.resolve();
          await goOn.promise;
          ended = true;
        },
        { prefix },
      );
      own.queueEvents(name, { prefix });
      await queue.add('slow', {});
      await begun.promise;
      const closed = Promise.all([own.close(), own.close()]);
      await eventually(() => expect(worker.closing).toBeDefined());
      expect(ended).toBe(false);
      goOn.resolve();
      await closed;
      expect(ended).toBe(true);
    });
  });
}

it('500 jobs and transactions share the embedded session, losing and blocking none', async () => {
  const db = database.kysely<{ 'kpay.done': { job: number } }>();
  await sql`create schema if not exists kpay`.execute(db);
  await sql`create table kpay.done (job int primary key)`.execute(db);
  const queues = await openQueues({ store: { kind: 'embedded', database }, logger });
  closers.push(queues.close);
  const name = newName();
  const queue = queues.queue<{ n: number }>(name, { prefix });
  queues.worker<{ n: number }>(
    name,
    ({ data }) =>
      db.transaction().execute(async (trx) => {
        await trx.insertInto('kpay.done').values({ job: data.n }).execute();
        await trx.selectFrom('kpay.done').selectAll().where('job', '=', data.n).executeTakeFirstOrThrow();
      }),
    { prefix, concurrency: 20 },
  );
  await queue.addBulk(Array.from({ length: 500 }, (_, n) => ({ name: 'row', data: { n } })));
  await eventually(async () => expect(await queue.getCompletedCount()).toBe(500), { timeoutMs: 60_000, everyMs: 100 });
  const { rows } = await sql<{ count: string }>`select count(*) from kpay.done`.execute(db);
  expect(rows).toEqual([{ count: '500' }]);
  expect(lines).toEqual([]);
}, 60_000);

it('a queue of Redis is refused in one line when Redis does not answer', async () => {
  await expect(openQueues({ store: { kind: 'redis', redisUrl: 'redis://:hush@127.0.0.1:1' }, logger })).rejects.toThrow(
    'Redis does not answer (connect ECONNREFUSED 127.0.0.1:1): check REDIS_URL and that the server runs',
  );
});
