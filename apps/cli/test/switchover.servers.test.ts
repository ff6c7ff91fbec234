import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator } from '@kpay/simulator';
import { eventually } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Replicated, replicatedPostgres, replicatedRedis } from './chaos/replicated.ts';
import { type AppProcess, startApp } from './start-app.ts';
import { adminToken, settingsFor } from './start-kpay.ts';

const EACH = 2;
const ORDER_EVERY_MS = 100;
// The time of the switchover itself: the standby catches up, and the name follows after five seconds.
const SWITCHOVER_WITHIN_MS = 60_000;
const SENT_WITHIN_MS = 30_000;

describe.skipIf(process.env.KPAY_TEST_STORES !== 'local')(
  'planned switchovers under load, while connections to the old primary are kept and it only reads',
  () => {
    it.each(['Postgres', 'Redis'] as const)(
      'of %s: all accepted is sent within 30 s, /readyz tells it meanwhile, no 500',
      { timeout: EACH * (SWITCHOVER_WITHIN_MS + 2 * SENT_WITHIN_MS) + 60_000 },
      async (which) => {
        const { stores, apps, api, effects } = await openStage();
        const load = placeOrders(api.url);
        onTestFinished(load.stop);
        const readiness = apps.map(watchReadiness);
        onTestFinished(() => Promise.all(readiness.map(({ stop }) => stop())).then(() => {}));

        const sentAfterMs: number[] = [];
        for (let nth = 1; nth <= EACH; nth++) {
          await eventually(() => expect(load.accepted.size).toBeGreaterThan(20 * nth), { timeoutMs: SENT_WITHIN_MS });
          await stores[which].switchOver();
          const endedMs = performance.now();
          const before = [...load.accepted.keys()];
          await eventually(
            () => {
              const sent = effects();
              expect(before.filter((externalId) => !sent.has(externalId))).toEqual([]);
            },
            { timeoutMs: SENT_WITHIN_MS, everyMs: 100 },
          );
          await eventually(() => expect(readiness.map(({ now }) => now())).toEqual(apps.map(() => 200)), {
            timeoutMs: SENT_WITHIN_MS,
          });
          sentAfterMs.push(performance.now() - endedMs);
        }
        await load.stop();
        await eventually(() => expect([...load.accepted.keys()].filter((externalId) => !effects().has(externalId))).toEqual([]), {
          timeoutMs: SENT_WITHIN_MS,
          everyMs: 100,
        });
        process.stdout.write(
          `switchovers of ${which}: ${load.accepted.size} accepted, answers ${JSON.stringify(load.statuses)}, all sent and ready ` +
            `${sentAfterMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ')} after the end; not ready: ` +
            `${readiness.map(({ told }) => `${told()} of the looks`).join(', ')}\n`,
        );

        // A 503 with Retry-After is retried.
        expect(Object.keys(load.statuses).filter((status) => status !== '202' && status !== '503')).toEqual([]);
        expect(load.withoutRetryAfter()).toBe(0);
        // Each accepted transfer has one effect, and there are no other effects.
        expect([...effects()].sort()).toEqual([...load.accepted.keys()].map((externalId) => [externalId, 1]).sort());
        expect(
          readiness.filter((_, index) => apps[index] !== api || which === 'Postgres').map(({ told }) => told() > 0),
        ).not.toContain(false);
      },
    );
  },
);

async function openStage() {
  const simulator = await createSimulator({ port: 0, limit: 1e9, latencyMs: 10, keptRequests: 20_000 });
  onTestFinished(() => simulator.close());
  const stores = { Postgres: await kept(replicatedPostgres()), Redis: await kept(replicatedRedis()) };
  const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
  const settings = {
    ...keys,
    DATABASE_URL: stores.Postgres.url,
    REDIS_URL: stores.Redis.url,
    KPAY_RATE_LIMIT_PER_MINUTE: '100000',
  };
  const [api, worker] = await Promise.all([startApp('admin-api', settings), startApp('worker', settings)]);
  const apps: AppProcess[] = [api, worker];
  onTestFinished(async () => void (await Promise.all(apps.map((app) => app.end('SIGTERM')))));
  /** How often KPay moved money for each order. The order is found by its description. */
  function effects(): Map<string, number> {
    const times = new Map<string, number>();
    for (const { description } of simulator.control.truth().transfers) {
      times.set(description ?? '', (times.get(description ?? '') ?? 0) + 1);
    }
    return times;
  }
  return { stores, apps, api, effects };
}

async function kept(opening: Promise<Replicated>): Promise<Replicated> {
  const replicated = await opening;
  onTestFinished(replicated.close);
  return replicated;
}

/**
 * Orders at a steady pace over kept connections; one that was not accepted is asked again under the same externalId.
 */
function placeOrders(apiUrl: string) {
  const accepted = new Map<string, string>();
  const statuses: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  let withoutRetryAfter = 0;
  let over = false;

  async function place(externalId: string): Promise<void> {
    const order = { externalId, description: externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 };
    for (;;) {
      const answer = await fetch(`${apiUrl}/v1/transfers`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(order),
      });
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const body = (await answer.json()) as { id?: string };
      if (answer.status === 202) return void accepted.set(externalId, body.id ?? '');
      if (answer.status !== 503) return;
      if (!answer.headers.has('retry-after')) withoutRetryAfter += 1;
      await delay(1_000);
    }
  }

  const placing = (async () => {
    for (let number = 1; !over; number++) {
      const one = place(`order-${number}`).finally(() => underWay.delete(one));
      underWay.add(one);
      await delay(ORDER_EVERY_MS);
    }
  })();
  return {
    accepted,
    statuses,
    withoutRetryAfter: () => withoutRetryAfter,
    async stop() {
      over = true;
      await placing;
      await Promise.all(underWay);
    },
  };
}

/** Reads /readyz four times a second. */
function watchReadiness({ url }: AppProcess) {
  let last = 0;
  let told = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      last = (await fetch(`${url}/readyz`)).status;
      if (last === 503) told += 1;
      await delay(250);
    }
  })();
  return {
    now: () => last,
    told: () => told,
    async stop() {
      over = true;
      await watching;
    },
  };
}
