// Runs the admin API in a separate process that reports the size of its heap.
import { createLogger, openQueues } from '@kpay/runtime';
import { createMaintenance } from '@kpay/transfers/operations';
import { createFileEpochWitness, openAccount } from '@kpay/transfers/worker';
import { openBoardQueues, startAdminApi } from '../../src/index.ts';
import { openTestLedger } from '../test-ledger.ts';

const { KPAY_BASE_URL: baseUrl = '', KPAY_API_KEY: apiKey = '', KPAY_SECRET_KEY: secretKey = '' } = process.env;
const { KPAY_ADMIN_TOKEN: adminToken = '' } = process.env;
const logger = createLogger({ name: 'admin-api', secrets: [apiKey, secretKey, adminToken] });
const { ledger, database, folder, stop, remove } = await openTestLedger();
const queues = await openQueues({ store: { kind: 'embedded', database }, logger });
const account = openAccount(
  { name: 'default', apiKey, secretKey, baseUrl, environment: 'TEST', rateLimitPerMinute: 100_000 },
  { budgetWindowMs: 1_000 },
);
const epochWitness = createFileEpochWitness(`${folder}/epoch`);
const api = await startAdminApi({
  ledger,
  epochWitness,
  accounts: new Map([['default', account]]),
  adminToken,
  requestsPerMinute: 1_000_000,
  queues: openBoardQueues(['default'], queues.queue),
  maintenance: createMaintenance({
    ledger,
    epochWitness,
    accounts: ['default'],
    openQueue: queues.queue,
  }),
  notifyWorkers: async () => {},
  logger,
  host: '127.0.0.1',
  port: 0,
});
process.on('message', (asked) => {
  if (asked === 'stop') void end();
  if (asked === 'processor') {
    const { user, system } = process.cpuUsage();
    process.send?.({ ms: (user + system) / 1_000 });
  }
  if (asked === 'heap') {
    globalThis.gc?.();
    globalThis.gc?.();
    process.send?.({ heapBytes: process.memoryUsage().heapUsed });
  }
});
process.send?.({ url: api.url });

async function end(): Promise<void> {
  await api.close();
  await queues.close();
  await account.close();
  await stop();
  remove();
  process.exit(0);
}
