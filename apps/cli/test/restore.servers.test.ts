import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Simulator } from '@kpay/simulator';
import { eventually, findProgram, temporaryFolder, testServerUrls, unavailable } from '@kpay/testkit';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { openProductionStage } from './production-stage.ts';
import { runApp, startApp } from './start-app.ts';
import { adminToken, runKpay } from './start-kpay.ts';

const TEST_TIMEOUT_MS = 90_000;
const withServers = it.skipIf(!testServerUrls());
const withDump = it.skipIf(!testServerUrls() || !hasDump());

function hasDump(): boolean {
  return ['pg_dump', 'pg_restore'].every(
    (name) => findProgram([name]) !== undefined || !unavailable(`there is no ${name} on PATH`),
  );
}

interface Production {
  simulator: Simulator;
  settings: Record<string, string>;
  /** How many requests for a transfer KPay received. */
  sends(): number;
}

async function openProduction(): Promise<Production> {
  const { simulator, settings } = await openProductionStage();
  return { simulator, settings, sends: () => simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0 };
}

/** An app that is killed when the test is over. */
async function start(app: 'worker' | 'admin-api', settings: Record<string, string>) {
  const running = await startApp(app, settings);
  onTestFinished(async () => void (await running.end('SIGKILL')));
  return running;
}

async function kpay(args: string[], settings: Record<string, string>): Promise<string> {
  const command = runKpay(args, settings);
  const { code } = await command.ended;
  if (code !== 0) throw new Error(command.stderr());
  return command.stdout();
}

const order = (externalId: string) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 });

withServers(
  'pause, FLUSHALL, rebuild, restart: 0 sends; after the pause each is sent once',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const { simulator, settings, sends } = await openProduction();
    const api = await start('admin-api', settings);
    const worker = await start('worker', settings);
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
    const pause = await fetch(`${api.url}/v1/pauses`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ scope: 'all', reason: 'maintenance' }),
    });
    const { id: pauseId } = (await pause.json()) as { id: string };
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push((await postTransfer(api.url, order(`paused-${n}`))).id);

    // Only this test's Redis database; other tests have their own.
    const redis = new Redis(settings.REDIS_URL ?? '');
    await redis.flushdb();
    redis.disconnect();
    expect(await kpay(['rebuild-queue'], settings)).toMatch(/^default: \d+ advance jobs removed, \d+ made$/m);
    expect(await worker.end('SIGTERM')).toBe(0);
    await start('worker', settings);
    await eventually(async () => {
      for (const id of ids) expect(await getTransfer(api.url, id)).toMatchObject({ state: 'holding', reasonCode: 'paused' });
    });
    expect(await kpay(['rebuild-queue'], settings)).toContain('default: ');
    expect(sends()).toBe(0);

    await fetch(`${api.url}/v1/pauses/${pauseId}`, { method: 'DELETE', headers });
    await eventually(
      async () => {
        for (const id of ids) expect((await getTransfer(api.url, id)).state).toBe('succeeded');
      },
      { timeoutMs: 30_000 },
    );
    expect(simulator.control.truth().transferCount).toBe(20);
    expect(sends()).toBe(20);
  },
);

// docs/backup-and-upgrade.md, step by step.
withDump(
  'a database restored from a backup: nothing is sent until the restore is finished, and then nothing twice',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const { simulator, settings, sends } = await openProduction();
    const url = settings.DATABASE_URL ?? '';
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const dump = join(folder.path, 'kpay.dump');
    const api = await start('admin-api', settings);
    const { id } = await postTransfer(api.url, order('sent-since'));
    expect(await api.end('SIGTERM')).toBe(0);
    execFileSync('pg_dump', ['--format=custom', `--file=${dump}`, url]);

    const worker = await start('worker', settings);
    await eventually(() => expect(simulator.control.truth().transferCount).toBe(1), { timeoutMs: 15_000 });
    expect(await worker.end('SIGTERM')).toBe(0);
    execFileSync('pg_restore', ['--clean', '--if-exists', `--dbname=${url}`, dump]);

    const afterwards = await start('admin-api', settings);
    expect((await getTransfer(afterwards.url, id)).state).toBe('queued');
    const refusing = await startRefusing(settings);
    expect(refusing.why).toContain('run kpay restore finish');
    const { id: later } = await postTransfer(afterwards.url, order('while-refused'));
    expect(sends()).toBe(1);

    expect(await kpay(['restore', 'finish'], settings)).toContain('2 unfinished transfers are in review');
    expect(await getTransfer(afterwards.url, id)).toMatchObject({
      state: 'review',
      reasonCode: 'restored',
      moneyMoved: 'unknown',
    });
    const settled = await kpay(['restore', 'settle', '--as', 'unchanged', '--reason', 'tried'], settings);
    expect(settled).toContain('2 settled as unchanged');
    await eventually(
      async () => {
        expect(await getTransfer(afterwards.url, later)).toMatchObject({ state: 'succeeded' });
        expect(await getTransfer(afterwards.url, id)).toMatchObject({ state: 'review', reasonCode: 'collision' });
      },
      { timeoutMs: 15_000 },
    );
    expect(simulator.control.truth().transferCount).toBe(2);
    await expect(kpay(['restore', 'finish'], settings)).rejects.toThrow('nothing says that this ledger was restored');
  },
);

/** Starts a worker that does not become ready, and returns the text of its /readyz. */
async function startRefusing(settings: Record<string, string>): Promise<{ why: string }> {
  const worker = await runApp('worker', settings);
  onTestFinished(async () => void (await worker.end('SIGKILL')));
  const why = await eventually(
    async () => {
      const answer = await fetch(`${worker.url}/readyz`);
      const text = await answer.text();
      if (answer.status !== 503 || text.startsWith('the queues')) throw new Error(`ready: ${text}`);
      return text;
    },
    { timeoutMs: 30_000 },
  );
  return { why };
}
