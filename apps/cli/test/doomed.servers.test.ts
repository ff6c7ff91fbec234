import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator } from '@kpay/simulator';
import { eventually, type OwnServer, startPostgres, startRedis, type Unavailable } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { startApp } from './start-app.ts';
import { adminToken, settingsFor } from './start-kpay.ts';

const EACH = 300;
// With KPAY_TEST_SOAK=1 the test lasts the ten minutes of the bound.
const WATCH_SECONDS = process.env.KPAY_TEST_SOAK === '1' ? 600 : 30;
const MAX_SENDS = 20;
const FUNDED_WITHIN_MS = 10_000;
const START_WITHIN_MS = 45_000;

describe.skipIf(process.env.KPAY_TEST_STORES !== 'local')(
  'orders that cannot succeed beside one that can, at 100 requests a minute',
  () => {
    it(`${EACH} of an empty wallet and ${EACH} below their rate keep it for less than 10 s, and cost few requests`, {
      timeout: (WATCH_SECONDS + 240) * 1_000,
    }, async () => {
      const { simulator, apiUrl } = await openStage();
      const sends = () => simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;
      // KPay shows one figure for XAF, so Gabon's money looks like Cameroon's. Only KPay's refusal shows the
      // difference.
      const setBalances = (cmr: number) => {
        simulator.control.setBalance({ country: 'CMR', balance: cmr });
        simulator.control.setBalance({ country: 'GAB', balance: 100_000_000 });
      };
      setBalances(0);
      await postBatch(apiUrl, 'broke', { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000, priority: 9 });
      await postBatch(apiUrl, 'low', {
        sourceCountry: 'KEN',
        destinationCountry: 'UGA',
        amount: 1_000,
        minRate: 1_000,
        priority: 9,
      });
      const placedMs = performance.now();
      const funded = await postTransfer(apiUrl, {
        externalId: 'funded',
        sourceCountry: 'GAB',
        destinationCountry: 'SEN',
        amount: 1_000,
        priority: 0,
      });
      await eventually(async () => expect((await getTransfer(apiUrl, funded.id)).state).toBe('succeeded'), {
        timeoutMs: FUNDED_WITHIN_MS,
        everyMs: 100,
      });
      const fundedMs = performance.now() - placedMs;
      await delay(WATCH_SECONDS * 1_000);
      const cost = sends() - 1;

      setBalances(200_000_000);
      const richMs = performance.now();
      await eventually(() => expect(simulator.control.truth().transferCount).toBeGreaterThan(1), {
        timeoutMs: START_WITHIN_MS + 90_000,
        everyMs: 100,
      });
      const startedMs = performance.now() - richMs;
      process.stdout.write(
        `funded after ${(fundedMs / 1_000).toFixed(1)} s; the doomed cost ${cost} transfer requests in ${WATCH_SECONDS} s, ` +
          `and start ${(startedMs / 1_000).toFixed(1)} s after the money\n`,
      );
      expect(cost).toBeLessThanOrEqual(MAX_SENDS);
      // The balance rises, which shows the money.
      expect(startedMs).toBeLessThanOrEqual(START_WITHIN_MS);
    });
  },
);

async function openStage() {
  const simulator = await createSimulator({ port: 0, latencyMs: 50 });
  onTestFinished(() => simulator.close());
  const [postgres, redis] = [started(await startPostgres()), started(await startRedis(['--appendonly', 'yes']))];
  const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
  const settings = { ...keys, DATABASE_URL: postgres.url, REDIS_URL: redis.url };
  const [api, worker, exporter] = await Promise.all([
    startApp('admin-api', settings),
    startApp('worker', settings),
    startApp('exporter', settings),
  ]);
  onTestFinished(async () => void (await Promise.all([api, worker, exporter].map((app) => app.end('SIGTERM')))));
  return { simulator, apiUrl: api.url };
}

function started(server: OwnServer | Unavailable): OwnServer {
  if ('unavailable' in server) throw new Error(server.unavailable);
  onTestFinished(() => server.stop());
  return server;
}

async function postBatch(apiUrl: string, name: string, order: object): Promise<void> {
  const lines = Array.from({ length: EACH }, (_, index) => JSON.stringify({ ...order, externalId: `${name}-${index}` }));
  const answer = await fetch(`${apiUrl}/v1/transfers/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  expect(text.match(/"accepted"|"status":202/g)?.length ?? 0, text.slice(0, 300)).toBeGreaterThan(0);
}
