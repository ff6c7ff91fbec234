// One process of several on one Redis, for across-processes.servers.test.ts. It is told what to do, and tells what came of it.
import { Kpay } from '../src/kpay.ts';
import { createRedisStores } from '../src/redis.ts';
import { callKpay } from './call-kpay.ts';
import { connectTo } from './stores-under-test.ts';

export interface ProcessSettings {
  redisUrl: string;
  baseUrl: string;
  limit: number;
  windowMs: number;
}

/** `tokens`: so many callers want a token at once. `calls`: so many different calls at once. */
export type Order = { tokens: number } | { calls: number };

export type Report = 'ready' | { failed: string[] };

const settings: ProcessSettings = JSON.parse(process.argv[2] ?? '');
const redis = connectTo(settings.redisUrl);
const account = new Kpay({
  name: 'default',
  apiKey: 'kpay_test_simulator',
  secretKey: 'simulator-secret',
  environment: 'TEST',
  baseUrl: settings.baseUrl,
  rateLimitPerMinute: settings.limit,
  budgetWindowMs: settings.windowMs,
  stores: createRedisStores({ redis }),
});

function report(message: Report): void {
  process.send?.(message);
}

process.on('message', async (order: Order) => {
  const count = 'tokens' in order ? order.tokens : order.calls;
  const run = (number: number): Promise<unknown> =>
    'tokens' in order ? account.client.accessToken({ lane: 'money' }) : callKpay(account.client, number);
  const ended = await Promise.allSettled(Array.from({ length: count }, (_, number) => run(number)));
  report({ failed: ended.filter((each) => each.status === 'rejected').map(({ reason }) => String(reason)) });
});
process.on('disconnect', async () => {
  await account.close();
  redis.disconnect();
});

await redis.ping();
report('ready');
