import { startRedis } from '@kpay/testkit';
import { Redis } from 'ioredis';
import { createRedisStores } from '../src/redis.ts';
import { createMemoryStores, type Stores } from '../src/stores/stores.ts';
import { systemClock } from '../src/time/clock.ts';

/** A kind of stores that keeps the same promises as any other. */
export interface StoresUnderTest {
  kind: string;
  /** Two ways to the same stores, as two processes have them; with one process there is one. */
  first: Stores;
  second: Stores;
  close(): Promise<void>;
}

/** Memory, and a Redis of this file's own where the machine has one. Both run on real time. */
export async function openStoresUnderTest(): Promise<StoresUnderTest[]> {
  const memory = createMemoryStores({ clock: systemClock });
  const kinds: StoresUnderTest[] = [{ kind: 'memory', first: memory, second: memory, close: async () => {} }];
  const server = await startRedis();
  if ('unavailable' in server) {
    process.stdout.write(`The stores in Redis are not tested here: ${server.unavailable}\n`);
    return kinds;
  }
  const clients = [connectTo(server.url), connectTo(server.url)];
  const [first, second] = clients.map((redis) => createRedisStores({ redis }));
  if (!first || !second) throw new Error('two clients make two stores');
  const close = async (): Promise<void> => {
    for (const client of clients) client.disconnect();
    await server.stop();
  };
  return [...kinds, { kind: 'Redis', first, second, close }];
}

/** A client as production opens one: it fails at once when Redis is away, and soon when it hangs. */
export function connectTo(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: 500 });
  // Tests take Redis away; each command says so by itself.
  redis.on('error', () => {});
  return redis;
}
