import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, openEmbeddedDatabase } from '@kpay/runtime';
import { createSimulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { listTransfers } from './ask-api.ts';
import { adminToken, type RunningKpay, settingsFor, startKpay } from './start-kpay.ts';

const PRELOADED = fileURLToPath(new URL('./fill-disk.ts', import.meta.url));
const ANSWER_WITHIN_MS = 10_000;
const FULL_FOR_MS = 6_000;
const LANES = 4;
const SETTLED_WITHIN_MS = 60_000;

const EPOCH = 'the epoch witness';

const moments: { what: string; paths: (folder: string) => Promise<string> }[] = [
  { what: 'the tables', paths: async () => '/postgres/base/' },
  { what: 'the log', paths: async () => '/postgres/pg_wal/' },
  { what: 'a checkpoint', paths: async () => '/postgres/(global|pg_xact|pg_multixact|base)/' },
  { what: 'the queue', paths: async (folder) => `/(${(await filesOfQueue(folder)).join('|')})$` },
  { what: EPOCH, paths: async () => 'ledger-epoch.json' },
];

it.each(moments)(
  'a disk that is full at $what: no request hangs, and nothing accepted is lost',
  { timeout: 240_000 },
  async ({ what, paths }) => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const simulator = await createSimulator({ port: 0, limit: 1_000_000, latencyMs: 5 });
    onTestFinished(() => simulator.close());
    const plain = {
      ...settingsFor(simulator, folder.path),
      KPAY_RATE_LIMIT_PER_MINUTE: '100000',
      KPAY_CONFLICT_CONFIRM_SECONDS: '1',
    };
    const first = await startKpay(plain);
    expect((await first.end('SIGTERM')).code).toBe(0);
    const fullSwitch = `${folder.path}.full`;
    onTestFinished(() => rmSync(fullSwitch, { force: true }));
    const kpay = await startKpay({
      ...plain,
      NODE_OPTIONS: `--import=${PRELOADED}`,
      KPAY_TEST_FULL_DISK: await paths(folder.path),
      KPAY_TEST_FULL_DISK_SWITCH: fullSwitch,
    });
    const load = postOrders(kpay);
    onTestFinished(load.stop);
    await eventually(() => expect(load.accepted.size).toBeGreaterThan(20), { timeoutMs: 30_000 });

    writeFileSync(fullSwitch, '');
    const stopAtOnce = what === 'a checkpoint';
    const fullUntil = performance.now() + FULL_FOR_MS;
    let ended = false;
    void kpay.ended.then(() => {
      ended = true;
    });
    if (stopAtOnce) {
      const startedMs = performance.now();
      await kpay.end('SIGTERM');
      // A little more than its own deadline for stopping.
      expect(performance.now() - startedMs).toBeLessThan(40_000);
    } else {
      if (what === EPOCH) await pauseAndLift(kpay.apiUrl);
      await eventually(() => expect(ended || performance.now() > fullUntil).toBe(true), { timeoutMs: 2 * FULL_FOR_MS });
    }
    expect(kpay.stderr()).toContain('disk full at ');
    rmSync(fullSwitch);

    // Space is free again: the process continues, or it has ended with a clear line and is started again.
    const acceptedMeanwhile = load.accepted.size;
    if (!ended && !stopAtOnce) {
      await eventually(() => expect(ended || load.accepted.size > acceptedMeanwhile).toBe(true), { timeoutMs: 20_000 });
    }
    await load.stop();
    let next: RunningKpay | undefined;
    await eventually(
      async () => {
        if (ended) next ??= await startKpay(plain);
        const states = new Map((await listTransfers((next ?? kpay).apiUrl)).map(({ id, state }) => [id, state]));
        expect([...load.accepted].filter((id) => states.get(id) !== 'succeeded')).toEqual([]);
      },
      { timeoutMs: SETTLED_WITHIN_MS, everyMs: 500 },
    );
    const { statuses, slowestMs } = load;
    process.stdout.write(
      `full at ${what}: ${ended ? 'ended, started again' : 'went on'}; ${load.accepted.size} accepted, answers ` +
        `${JSON.stringify(statuses)}, slowest ${(slowestMs() / 1_000).toFixed(1)} s\n`,
    );
    if (ended && !stopAtOnce) expect(kpay.stderr()).toMatch(/free space on its disk, then start again/);
    expect(slowestMs()).toBeLessThan(ANSWER_WITHIN_MS);
    expect(Object.keys(statuses).filter((status) => !['202', '503', 'gone'].includes(status))).toEqual([]);
    const truth = simulator.control.truth();
    expect(truth.transferCount).toBeGreaterThanOrEqual(load.accepted.size);
    expect(new Set(truth.transfers.map(({ description }) => description)).size).toBe(truth.transfers.length);
  },
);

/** Posts without a pause until it is stopped or nothing listens any more. */
function postOrders({ apiUrl }: RunningKpay) {
  const accepted = new Set<string>();
  const statuses: Record<string, number> = {};
  let slowest = 0;
  let made = 0;
  let over = false;
  const count = (status: number | string) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const lanes = Array.from({ length: LANES }, async () => {
    while (!over) {
      const externalId = `order-${++made}`;
      const startedMs = performance.now();
      const body = { externalId, description: externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100 };
      try {
        const answer = await fetch(`${apiUrl}/v1/transfers`, {
          method: 'POST',
          headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        const { id } = (await answer.json()) as { id?: string };
        count(answer.status);
        if (answer.status === 202 && id !== undefined) accepted.add(id);
      } catch {
        // The process is gone.
        count('gone');
        over = true;
      }
      slowest = Math.max(slowest, performance.now() - startedMs);
    }
  });
  return {
    accepted,
    statuses,
    slowestMs: () => slowest,
    async stop() {
      over = true;
      await Promise.all(lanes);
    },
  };
}

/** A person's decision grows the epoch, and with it the witness. */
async function pauseAndLift(apiUrl: string): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const corridor = { scope: 'corridor', account: 'default', corridor: 'CMR-GAB', reason: 'a full disk' };
  const made = await fetch(`${apiUrl}/v1/pauses`, { method: 'POST', headers, body: JSON.stringify(corridor), signal });
  expect([201, 503]).toContain(made.status);
  const { id } = (await made.json()) as { id?: string };
  if (made.status !== 201) return;
  const lifted = await fetch(`${apiUrl}/v1/pauses/${id}`, { method: 'DELETE', headers, signal });
  expect([200, 204, 503]).toContain(lifted.status);
}

/** The names of the files that hold the queue's tables and indexes. */
async function filesOfQueue(folder: string): Promise<string[]> {
  const database = await openEmbeddedDatabase({ dataDir: folder, logger: createLogger({ name: 'test', level: 'silent' }) });
  try {
    const { rows } = await database.pool.query<{ path: string }>(
      `select pg_relation_filepath(c.oid) as path from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname not in ('kpay', 'pg_catalog', 'information_schema', 'pg_toast') and c.relkind in ('r', 'i')`,
    );
    expect(rows.length).toBeGreaterThan(0);
    return rows.map(({ path }) => join('postgres', path));
  } finally {
    await database.close();
  }
}
