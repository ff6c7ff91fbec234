import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { redisNodes } from '../settings/redis-nodes.ts';
import { reasonOf, StartError } from '../start-error.ts';
import { corkWrites } from './cork-writes.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * How a connection behaves while Redis is away. `producer` fails at once, so that its caller gets an error; the sweep
 * makes up for it. `worker` waits for ever and then continues.
 */
export type RedisRole = 'producer' | 'worker';

/** The errors of a master that became a replica: for a write, and for commands that were blocked in it. */
const NO_MASTER = /^(READONLY|UNBLOCKED)\b/;
/** ioredis reconnects, to where the name leads now. RECONNECT_AND_RESEND also sends the command again. */
const RECONNECT = 1;
const RECONNECT_AND_SEND_AGAIN = 2;

const OPTIONS = {
  // A Redis that hangs must not hang its callers. The sweep finds what they wait for, or they ask again.
  producer: {
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
    reconnectOnError: (error) => NO_MASTER.test(error.message) && RECONNECT,
  },
  worker: {
    maxRetriesPerRequest: null,
    reconnectOnError: (error) => NO_MASTER.test(error.message) && RECONNECT_AND_SEND_AGAIN,
  },
} satisfies Record<RedisRole, RedisOptions>;

/** Whether a command waits in this process for a connection. */
const WAITS_OFFLINE = { producer: false, worker: true } satisfies Record<RedisRole, boolean>;

const RETRY_AFTER_MS = 100;

/**
 * How often a command is retried while it waits for a replica to take over: a producer's for a second, a worker's for
 * ever.
 */
const REDIRECTIONS = { producer: 10, worker: Number.MAX_SAFE_INTEGER } satisfies Record<RedisRole, number>;

/**
 * Connects to Redis 7+ or Valkey; to a cluster when the URL lists several nodes. A lost connection is made again
 * automatically, and logged.
 *
 * @throws StartError naming REDIS_URL when there is no answer within five seconds, or when the server would lose or
 *   refuse jobs.
 */
export async function openRedis({
  url,
  role,
  logger,
}: {
  url: string;
  role: RedisRole;
  logger: Logger;
}): Promise<Redis | Cluster> {
  const nodes = redisNodes(url);
  const redis = nodes.length > 1 ? clusterOf(nodes, role) : singleOf(url, role);
  let unsuitable: StartError | undefined;
  let reason: unknown;
  const remember = (error: Error) => {
    // A cluster's own error says only that no node could be used.
    reason = 'lastNodeError' in error ? error.lastNodeError : error;
  };
  redis.on('error', remember);
  const timeout = setTimeout(() => redis.disconnect(), CONNECT_TIMEOUT_MS);
  try {
    await redis.connect();
    const infos = await Promise.all(redisServers(redis).map((server) => server.info()));
    unsuitable = infos.map((info) => whyUnsuitable(info, nodes)).find((why) => why !== undefined);
  } catch (error) {
    redis.disconnect();
    throw new StartError(`Redis does not answer (${reasonOf(reason ?? error)}): check REDIS_URL and that the server runs`, {
      cause: error,
      fix: nodes.length > 1 ? 'redis-cli --cluster check HOST:PORT   # of any node' : 'redis-cli -u "$REDIS_URL" ping',
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
  redis.on('node error', (error, node) => logger.error({ err: error, node }, 'the connection to a node of Redis failed'));
  return redis;
}

/**
 * Checks that Redis answers and takes writes. When the server is a replica, as a master is after a planned switchover,
 * the client reconnects. In a cluster this is not needed: commands are redirected to the master.
 *
 * @throws when Redis does not answer or is a read-only replica.
 */
export async function pingWritable(redis: Redis | Cluster): Promise<void> {
  if (redis instanceof Cluster) return void (await redis.ping());
  if (!/^role:slave/m.test(await redis.info('replication'))) return;
  redis.disconnect(true);
  throw new Error('Redis is a read-only replica');
}

/** The servers that take writes: all masters of a cluster, or the single server. */
export function redisServers(redis: Redis | Cluster): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}

function singleOf(url: string, role: RedisRole): Redis {
  const redis = new Redis(url, {
    ...OPTIONS[role],
    enableOfflineQueue: WAITS_OFFLINE[role],
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  return redis.on('connect', () => corkWrites(redis.stream));
}

function clusterOf(nodes: readonly string[], role: RedisRole): Cluster {
  const [first] = nodes.map(parseNode);
  const cluster = new Cluster(
    nodes.map((node) => parseNode(node)),
    {
      lazyConnect: true,
      enableOfflineQueue: WAITS_OFFLINE[role],
      maxRedirections: REDIRECTIONS[role],
      retryDelayOnFailover: RETRY_AFTER_MS,
      retryDelayOnClusterDown: RETRY_AFTER_MS,
      // A pause, so that nodes that do not agree yet on the owner of a slot are not asked without end.
      retryDelayOnMoved: RETRY_AFTER_MS,
      // With the ready check, connect() never returns when it meets a cluster without a master for some slots, even
      // after the connection recovers. A BullMQ worker then waits for it for ever. A command that meets such a cluster
      // is repeated anyway.
      enableReadyCheck: false,
      slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      // Nodes that are discovered later have the same password.
      redisOptions: {
        ...OPTIONS[role],
        connectTimeout: CONNECT_TIMEOUT_MS,
        ...(first?.username && { username: first.username }),
        ...(first?.password && { password: first.password }),
        ...(first && 'tls' in first && { tls: first.tls }),
      },
    },
  );
  return cluster.on('+node', (node: Redis) => node.on('connect', () => corkWrites(node.stream)));
}

function parseNode(node: string) {
  const url = URL.parse(node);
  const database = url?.pathname.slice(1) ?? '';
  if (!url?.hostname || url.port === '') {
    // Everything before the last @ may be a password.
    throw new StartError(`REDIS_URL lists "${node.slice(node.lastIndexOf('@') + 1)}": give each node a host and a port`);
  }
  if (database !== '' && database !== '0') {
    throw new StartError(`REDIS_URL names database ${database}: a Redis Cluster has only one, leave it out`);
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  };
}

const OLDEST_MAJOR = 7;

/** Why queues cannot run on a server, judged by its INFO; undefined when they can. */
function whyUnsuitable(info: string, nodes: readonly string[]): StartError | undefined {
  const infoOf = new Map(
    info.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  const version = infoOf.get('redis_version') ?? '';
  const policy = infoOf.get('maxmemory_policy') ?? 'noeviction';
  const isListed = nodes.length > 1;
  if (Number.parseInt(version, 10) < OLDEST_MAJOR)
    return new StartError(`REDIS_URL leads to Redis ${version}: use ${OLDEST_MAJOR} or newer, or Valkey`);
  if (!isListed && infoOf.get('cluster_enabled') === '1')
    return new StartError(
      'REDIS_URL leads to one node of a Redis Cluster: list two or more of its nodes, as in redis://one:6379,two:6379',
    );
  if (infoOf.get('role') === 'slave') return new StartError('REDIS_URL leads to a read-only replica: use its master');
  if (policy !== 'noeviction') {
    return new StartError(
      `the Redis of REDIS_URL evicts keys when its memory is full (maxmemory-policy ${policy}), jobs among them: set maxmemory-policy to noeviction`,
      {
        fix: isListed
          ? 'redis-cli --cluster call HOST:PORT config set maxmemory-policy noeviction   # on all nodes'
          : 'redis-cli -u "$REDIS_URL" config set maxmemory-policy noeviction',
      },
    );
  }
  return undefined;
}
