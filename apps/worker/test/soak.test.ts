import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLogger, openRedis } from '@kpay/runtime';
import { eventually, keepLog } from '@kpay/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

// What a worker does all its life must leave nothing behind: transfers by jobs of a plain BullMQ client, embedded, or on Postgres
// and Redis. KPAY_TEST_SOAK=1 finishes as many as the proof asks for (.ci/sizes); without it a hundred show that it works.
const IS_SOAK = process.env.KPAY_TEST_SOAK === '1';
const TRANSFERS = IS_SOAK ? Number(process.env.KPAY_TEST_SOAK_TRANSFERS ?? 50_000) : 100;
const AT_ONCE = 500;
/** More than the embedded database finishes in a minute, after which it cleans up by itself. */
const MAINTAIN_AFTER = 5_000;
const MAY_LEAVE_BYTES = 20_000_000;
/** The log, and of each transfer its row, events, attempt and indexes, and its job. */
const FOLDER_BYTES = 100_000_000;
const FOLDER_BYTES_EACH = 12_000;
// By maintenance. After a hundred transfers on a machine that runs other tests it says nothing.
const MAY_STOP_MS = IS_SOAK ? 250 : 5_000;
const TIMEOUT_MS = 3_600_000;

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage.close());

async function heapBytes(): Promise<number> {
  // The simulator's truth is of this process too.
  stage.simulator.control.reset();
  for (let round = 0; round < 5; round += 1) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().heapUsed;
}

async function redisBytes(): Promise<number> {
  if (stage.redisUrl === undefined) return 0;
  const redis = await openRedis({
    url: stage.redisUrl,
    role: 'producer',
    logger: createLogger({ name: 'soak', destination: keepLog('soak') }),
  });
  const info = await redis.info('memory');
  redis.disconnect();
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

function folderBytes(): number {
  if (!stage.embedded) return 0;
  return readdirSync(stage.embedded.dataDir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Cleans the embedded database up. @returns how long the event loop stood still at most. */
async function maintain(): Promise<number> {
  if (!stage.embedded) return 0;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await new Promise(setImmediate);
  await stage.embedded.maintain();
  await new Promise((resolve) => setTimeout(resolve, 10));
  delay.disable();
  return delay.max / 1e6;
}

async function finish(name: string, count: number): Promise<void> {
  stage.simulator.control.setBalance({ country: 'CMR', balance: 1_000_000_000 });
  await Promise.all(Array.from({ length: count }, (_, n) => stage.add({ ...order(`${name}-${n}`), amount: 100 })));
  await eventually(
    async () => {
      const { rows } = await sql<{ open: number }>`
        select ${count} - count(*)::int as open from kpay.transfers where external_id like ${`${name}-%`} and state = 'succeeded'
      `.execute(stage.ledger.db);
      expect(rows[0]?.open).toBe(0);
    },
    { timeoutMs: 300_000, everyMs: 100 },
  );
}

it(`${TRANSFERS} transfers that end leave little behind`, { timeout: TIMEOUT_MS }, async () => {
  const stops: number[] = [];
  // What is made once is there before.
  await finish('first', 50);
  await maintain();
  const before = { heap: await heapBytes(), redis: await redisBytes(), folder: folderBytes() };
  const startedMs = performance.now();
  for (let from = 0; from < TRANSFERS; from += AT_ONCE) {
    await finish(`soak-${from}`, Math.min(AT_ONCE, TRANSFERS - from));
    if ((from + AT_ONCE) % MAINTAIN_AFTER === 0 || from + AT_ONCE >= TRANSFERS) stops.push(await maintain());
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const left = {
    heap: (await heapBytes()) - before.heap,
    redis: (await redisBytes()) - before.redis,
    folder: folderBytes() - before.folder,
  };
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  process.stdout.write(
    `${TRANSFERS} transfers in ${seconds.toFixed(0)} s: heap +${mb(left.heap)}, Redis +${mb(left.redis)}, folder ${mb(before.folder)} ` +
      `+${mb(left.folder)}; maintenance stopped the loop for ${stops.map((ms) => ms.toFixed(0)).join(', ')} ms; ` +
      `jobs kept: ${JSON.stringify(await stage.keptJobs())}\n`,
  );
  expect(left.heap).toBeLessThan(MAY_LEAVE_BYTES);
  expect(left.redis).toBeLessThan(MAY_LEAVE_BYTES);
  expect(left.folder).toBeLessThan(FOLDER_BYTES + FOLDER_BYTES_EACH * TRANSFERS);
  expect(Math.max(...stops)).toBeLessThan(MAY_STOP_MS);
});
