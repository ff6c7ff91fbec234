import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { createTestDatabase, emptyTestRedis, eventually, type TestDatabase, testServerUrls } from '@kpay/testkit';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, getTransfer, postTransfer } from './ask-api.ts';
import { type AppProcess, startApp } from './start-app.ts';
import { settingsFor } from './start-kpay.ts';

let simulator: Simulator;
let database: TestDatabase;
let settings: Record<string, string>;
let worker: AppProcess;
let api: AppProcess;
let exporter: AppProcess;

async function metricsOf(app: AppProcess): Promise<string> {
  return (await fetch(`${app.url}/metrics`)).text();
}

describe.skipIf(!testServerUrls())(
  'worker, admin API and exporter as processes of their own, on one Postgres and one Redis',
  () => {
    beforeAll(async () => {
      const servers = testServerUrls();
      if (!servers) throw new Error('this suite needs KPAY_TEST_STORES');
      simulator = await createSimulator({ port: 0 });
      database = await createTestDatabase(servers.postgresUrl);
      const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
      settings = {
        ...keys,
        DATABASE_URL: database.url,
        REDIS_URL: await emptyTestRedis(servers.redisUrl),
        KPAY_OBSERVE_BALANCE_SECONDS: '1',
        KPAY_RATE_PAIRS: 'XAF:XOF',
      };
      [worker, api, exporter] = await Promise.all([
        startApp('worker', settings),
        startApp('admin-api', settings),
        startApp('exporter', settings),
      ]);
    });

    afterAll(async () => {
      for (const each of [worker, api, exporter]) expect(await each.end('SIGTERM')).toBe(0);
      await database.drop();
      await simulator.close();
    });

    it('send what the API accepts, and show the same figures everywhere', async () => {
      const order = { externalId: 'by-rest', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };
      const { id } = await postTransfer(api.url, order);
      await eventually(async () => expect((await getTransfer(api.url, id)).state).toBe('succeeded'), { timeoutMs: 15_000 });
      expect(await getTransfer(api.url, id)).toMatchObject({ exchangeRate: '1.0153', destinationAmount: '101530' });
      await eventually(
        async () => expect(await metricsOf(worker)).toContain('kpay_transfers{account="default",state="succeeded"} 1'),
        { timeoutMs: 15_000, everyMs: 200 },
      );

      const xaf = simulator.control
        .truth()
        .wallets.filter(({ currency }) => currency === 'XAF')
        .reduce((sum, { balance }) => sum + Number(balance), 0);
      await eventually(
        async () => expect(await metricsOf(exporter)).toContain(`kpay_wallet_balance{account="default",currency="XAF"} ${xaf}\n`),
        {
          timeoutMs: 10_000,
        },
      );
      const balances = await getJson<{ items: { currency: string; balance: string }[] }>(`${api.url}/v1/balances`);
      expect(balances.items.find(({ currency }) => currency === 'XAF')?.balance).toBe(String(xaf));
      expect(await metricsOf(exporter)).toContain('kpay_exchange_rate{account="default",from="XAF",to="XOF"} 1.0153');
    });

    it('share one token and one set of observations', () => {
      const { byEndpoint } = simulator.control.truth().requestCounts;
      expect(byEndpoint.token).toBe(1);
    });

    it('execute a job that another process made with our producer', async () => {
      const script = fileURLToPath(new URL('./enqueue-transfer.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@kpay/source', script], {
        env: { PATH: process.env.PATH, REDIS_URL: settings.REDIS_URL },
      });
      const { transferId, result } = JSON.parse(stdout);
      expect(result).toMatchObject({ transferId, state: 'succeeded', destinationAmount: '101530' });
      expect(await getTransfer(api.url, transferId)).toMatchObject({ externalId: 'from-a-service', state: 'succeeded' });
    });

    it('execute a job of bare BullMQ', async () => {
      const url = new URL(settings.REDIS_URL ?? '');
      const connection = { host: url.hostname, port: Number(url.port), db: Number(url.pathname.slice(1)) };
      const queue = new Queue('kpay-transfers-default', { connection, prefix: '{kpay-default}' });
      const job = await queue.add('transfer', {
        externalId: 'bare',
        sourceCountry: 'CMR',
        destinationCountry: 'GAB',
        amount: '50000.00',
      });
      await eventually(async () => expect(await job.getState()).toBe('completed'), { timeoutMs: 15_000 });
      expect((await queue.getJob(job.id ?? ''))?.returnvalue).toMatchObject({ state: 'succeeded', exchangeRate: '1' });
      await queue.close();
    });
  },
);
