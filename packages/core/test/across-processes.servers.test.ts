import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, type OwnServer, startRedis } from '@kpay/testkit';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Order, ProcessSettings, Report } from './account-process.ts';
import { type JitterProxy, startJitterProxy } from './jitter-proxy.ts';
import { mostInAnyWindow, receiptTimes, usedInFullWindows } from './receipts.ts';
import { connectTo } from './stores-under-test.ts';

const LIMIT = 100;
const WINDOW_MS = 8_000;

const server = await startRedis();
afterAll(async () => {
  if (!('unavailable' in server)) await server.stop();
});

const missing = 'unavailable' in server ? `, but ${server.unavailable}` : '';
describe.skipIf(missing !== '')(`processes on one Redis${missing}`, () => {
  let redis: Redis;
  let simulator: Simulator;
  let way: JitterProxy;
  let processes: ChildProcess[];

  beforeEach(async () => {
    redis = connectTo((server as OwnServer).url);
    await redis.flushall();
    simulator = await createSimulator({ port: 0, limit: LIMIT, windowMs: WINDOW_MS, latencyMs: 5 });
    way = await startJitterProxy({ port: simulator.port, jitterMs: 20 });
    processes = [];
  });
  afterEach(async () => {
    for (const child of processes) await end(child);
    redis.disconnect();
    await way.close();
    await simulator.close();
  });

  async function start(count: number): Promise<ChildProcess[]> {
    const settings: ProcessSettings = {
      redisUrl: (server as OwnServer).url,
      baseUrl: way.baseUrl,
      limit: LIMIT,
      windowMs: WINDOW_MS,
    };
    const file = fileURLToPath(new URL('./account-process.ts', import.meta.url));
    processes = Array.from({ length: count }, () => fork(file, [JSON.stringify(settings)]));
    await Promise.all(processes.map(nextReport));
    return processes;
  }

  it('ask for one token between them, however many callers find none', async () => {
    const started = await start(2);
    const reports = await Promise.all(started.map((child) => carryOut(child, { tokens: 50 })));
    expect(reports).toEqual([{ failed: [] }, { failed: [] }]);
    expect(simulator.control.truth().requestCounts.byEndpoint.token).toBe(1);
  });

  it('use the whole limit and never exceed it when one of the three is killed midway', {
    timeout: 40_000,
  }, async () => {
    const [killed, ...others] = await start(3);
    killed?.send({ calls: 100 } satisfies Order);
    const done = Promise.all(others.map((child) => carryOut(child, { calls: 100 })));
    await eventually(() => expect(simulator.control.truth().requests.length).toBeGreaterThanOrEqual(150), {
      timeoutMs: 20_000,
      everyMs: 5,
    });
    killed?.kill('SIGKILL');
    const killedAtMs = Date.now();
    const reports = await done;

    const { requests } = simulator.control.truth();
    const received = receiptTimes(requests);
    const used = usedInFullWindows(received, WINDOW_MS);
    const most = mostInAnyWindow(received, WINDOW_MS);
    // The dead's slots stay held for minutes. They are not credited: what KPay received is judged as it is.
    const dead = await slotsHeld(redis);
    process.stdout.write(
      `${received.length} of 300 calls received, SIGKILL after ${received.filter((at) => at <= killedAtMs).length}, ` +
        `${dead} slots held by the dead; used in each full window: ${used.join(', ')} of ${LIMIT}, most in any: ${most}\n`,
    );

    expect(reports).toEqual([{ failed: [] }, { failed: [] }]);
    expect(requests.filter(({ status }) => status === 429)).toEqual([]);
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(used.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...used)).toBeGreaterThanOrEqual(95);
  });
});

async function carryOut(child: ChildProcess, order: Order): Promise<Report> {
  child.send(order);
  return nextReport(child);
}

async function nextReport(child: ChildProcess): Promise<Report> {
  const [report] = await once(child, 'message');
  return report as Report;
}

/** Lets it end in order, and waits until it has. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

/** Slots nobody has settled. When the living are done, they are the dead's. */
async function slotsHeld(redis: Redis): Promise<number> {
  const [key] = await redis.keys('{kpay-budget-*}:slots');
  const slots = key === undefined ? [] : await redis.zrange(key, '0', '-1');
  return slots.filter((slot) => slot.startsWith('held:')).length;
}
