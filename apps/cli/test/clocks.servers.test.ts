import { createSimulator, type Simulator } from '@kpay/simulator';
import {
  createMovedClock,
  eventually,
  type MovedClock,
  type OwnServer,
  startPostgres,
  startRedis,
  type Unavailable,
} from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { startApp } from './start-app.ts';
import { settingsFor } from './start-kpay.ts';

const HOUR_SECONDS = 3_600;
// More than a quarter of the limit, above which slots are paced, in a window of 6 s instead of 60.
const ORDERS = 40;
const TIME_SCALE = 10;
// The longest delay that we cause: a lease of 45 s, a budget slot of 60 s, and a round of the sweep.
const LONGEST_DELAY_MS = 75_000;

const clocks = ['the worker and the API', 'Redis', 'Postgres'] as const;
type Whose = (typeof clocks)[number];

describe.skipIf(process.env.KPAY_TEST_STORES !== 'local')('a clock that is an hour ahead, and then set right, under load', () => {
  it.each(clocks)(
    'of %s: everything is sent within its own longest delay, and no guard is passed',
    {
      timeout: 5 * LONGEST_DELAY_MS,
    },
    async (whose) => {
      const { clock, apiUrl, simulator } = await openStage(whose);
      // KPay's rate is 1.0153 and stays below this. So the transfer must never be sent, whatever a clock says.
      const guarded = await postTransfer(apiUrl, { ...order('guarded'), minRate: 1.2 });
      await sendAll(apiUrl, 'before');
      clock.move(HOUR_SECONDS);
      const aheadMs = await sendAll(apiUrl, 'ahead');
      clock.move(0);
      const rightMs = await sendAll(apiUrl, 'set-right');
      clock.move(-HOUR_SECONDS);
      const behindMs = await sendAll(apiUrl, 'behind');
      clock.move(0);
      const againMs = await sendAll(apiUrl, 'set-right-again');
      const took = [aheadMs, rightMs, behindMs, againMs].map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ');
      process.stdout.write(`${whose}: ahead, right, behind, right: ${took}\n`);

      expect(await getTransfer(apiUrl, guarded.id)).toMatchObject({ state: 'holding', moneyMoved: 'no' });
      expect(simulator.control.truth().transferCount).toBe(5 * ORDERS);
    },
  );
});

function order(externalId: string): object {
  return { externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 };
}

/** @returns how long it took until the last of them had succeeded. */
async function sendAll(apiUrl: string, name: string): Promise<number> {
  const startedMs = performance.now();
  const made = await Promise.all(Array.from({ length: ORDERS }, (_, index) => postTransfer(apiUrl, order(`${name}-${index}`))));
  for (const { id } of made) {
    await eventually(async () => expect((await getTransfer(apiUrl, id)).state).toBe('succeeded'), {
      timeoutMs: LONGEST_DELAY_MS,
      everyMs: 200,
    });
  }
  return performance.now() - startedMs;
}

async function openStage(whose: Whose): Promise<{ clock: MovedClock; apiUrl: string; simulator: Simulator }> {
  const clock = createMovedClock();
  if (clock === undefined) throw new Error('this suite needs Linux and a C compiler (Debian: gcc libc6-dev)');
  onTestFinished(clock.remove);
  const simulator = await createSimulator({ port: 0, timeScale: TIME_SCALE });
  onTestFinished(() => simulator.close());
  const envOf = (owner: Whose) => (owner === whose ? clock.env : {});
  const redis = started(await startRedis([], envOf('Redis')));
  const postgres = started(await startPostgres([], undefined, envOf('Postgres')));
  const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
  const settings = {
    ...keys,
    KPAY_BUDGET_WINDOW_SECONDS: String(60 / TIME_SCALE),
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    ...envOf('the worker and the API'),
  };
  const [api, worker] = await Promise.all([startApp('admin-api', settings), startApp('worker', settings)]);
  onTestFinished(async () => void (await Promise.all([api.end('SIGKILL'), worker.end('SIGKILL')])));
  return { clock, apiUrl: api.url, simulator };
}

function started(server: OwnServer | Unavailable): OwnServer {
  if ('unavailable' in server) throw new Error(server.unavailable);
  onTestFinished(() => server.stop());
  return server;
}
