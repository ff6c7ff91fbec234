import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { reasonOf, StartError } from './start-error.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * How a connection behaves while Redis is away. `producer` fails at once, so that a caller is told and the sweep
 * serves; `worker` waits for ever and goes on where it was.
 */
export type RedisRole = 'producer' | 'worker';

const OPTIONS = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 1 },
  worker: { maxRetriesPerRequest: null },
} satisfies Record<RedisRole, RedisOptions>;

/**
 * Connects to Redis 7+ or Valkey. A connection lost later is made anew by itself, and logged.
 *
 * @throws StartError naming REDIS_URL when there is no answer within five seconds.
 */
export async function openRedis({ url, role, logger }: { url: string; role: RedisRole; logger: Logger }): Promise<Redis> {
  const redis = new Redis(url, { ...OPTIONS[role], lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS });
  let reason: unknown;
  const remember = (error: Error) => {
    reason = error;
  };
  redis.on('error', remember);
  const timeout = setTimeout(() => redis.disconnect(), CONNECT_TIMEOUT_MS);
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new StartError(`Redis does not answer (${reasonOf(reason ?? error)}): check REDIS_URL and that the server runs`, {
      cause: error,
    });
  } finally {
    clearTimeout(timeout);
  }
  redis.off('error', remember);
  redis.on('error', (error) => logger.error({ err: error }, 'the connection to Redis failed'));
  return redis;
}
