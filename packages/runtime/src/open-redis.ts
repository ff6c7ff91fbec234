import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { gatherWrites } from './gather-writes.ts';
import { reasonOf, StartError } from './start-error.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * How a connection behaves while Redis is away. `producer` fails at once, so that a caller is told and the sweep
 * serves; `worker` waits for ever and goes on where it was.
 */
export type RedisRole = 'producer' | 'worker';

const OPTIONS = {
  // A Redis that hangs must not hang its callers: what they wait for is found by the sweep, or asked for again.
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 },
  worker: { maxRetriesPerRequest: null },
} satisfies Record<RedisRole, RedisOptions>;

/**
 * Connects to Redis 7+ or Valkey. A connection lost later is made anew by itself, and logged.
 *
 * @throws StartError naming REDIS_URL when there is no answer within five seconds, or when the server would lose jobs
 *   or refuse them.
 */
export async function openRedis({ url, role, logger }: { url: string; role: RedisRole; logger: Logger }): Promise<Redis> {
  const redis = new Redis(url, { ...OPTIONS[role], lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS });
  redis.on('connect', () => gatherWrites(redis.stream));
  let unsuitable: StartError | undefined;
  let reason: unknown;
  const remember = (error: Error) => {
    reason = error;
  };
  redis.on('error', remember);
  const timeout = setTimeout(() => redis.disconnect(), CONNECT_TIMEOUT_MS);
  try {
    await redis.connect();
    unsuitable = whyUnsuitable(await redis.info());
  } catch (error) {
    redis.disconnect();
    throw new StartError(`Redis does not answer (${reasonOf(reason ?? error)}): check REDIS_URL and that the server runs`, {
      cause: error,
      mend: 'redis-cli -u "$REDIS_URL" ping',
    });
  } finally {
    clearTimeout(timeout);
  }
  if (unsuitable !== undefined) {
    redis.disconnect();
    throw unsuitable;
  }
  redis.off('error', remember);
  redis.on('error', (error) => logger.error({ err: error }, 'the connection to Redis failed'));
  return redis;
}

const OLDEST_MAJOR = 7;

/** What INFO tells about a server on which queues cannot live, if it is one. */
function whyUnsuitable(info: string): StartError | undefined {
  const told = new Map(info.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  const version = told.get('redis_version') ?? '';
  const policy = told.get('maxmemory_policy') ?? 'noeviction';
  if (Number.parseInt(version, 10) < OLDEST_MAJOR)
    return new StartError(`REDIS_URL leads to Redis ${version}: use ${OLDEST_MAJOR} or newer, or Valkey`);
  if (told.get('cluster_enabled') === '1')
    return new StartError('REDIS_URL leads to one node of a Redis Cluster: use a Redis that is not clustered');
  if (told.get('role') === 'slave') return new StartError('REDIS_URL leads to a read-only replica: use its master');
  if (policy !== 'noeviction') {
    return new StartError(
      `the Redis of REDIS_URL evicts keys when its memory is full (maxmemory-policy ${policy}), jobs among them: set maxmemory-policy to noeviction`,
      { mend: 'redis-cli -u "$REDIS_URL" config set maxmemory-policy noeviction' },
    );
  }
  return undefined;
}
