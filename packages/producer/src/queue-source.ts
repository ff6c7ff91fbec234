import { once } from 'node:events';
import { Queue, QueueEvents, type RedisQueueBackend, type Telemetry } from 'bullmq';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { kindOf } from './arguments.ts';
import { InvalidArgumentError } from './errors.ts';

/** Makes BullMQ's objects for an account. What it makes is closed by whoever asked for it. */
export interface QueueSource {
  /** Makes the queue of this name. The options go to BullMQ as they are. */
  queue(name: string, options: { prefix: string; telemetry?: Telemetry }): Queue;
  /** Makes the events of the queue of this name. The options go to BullMQ as they are. */
  queueEvents(name: string, options: { prefix: string }): QueueEvents;
}

export interface RedisSource extends QueueSource {
  /** Comes back when commands can be sent. Rejects with what stands in the way. */
  ready(): Promise<void>;
  release(): void;
}

/**
 * An ioredis client, `Redis` or `Cluster`, of version 5 or 6 and of any copy of ioredis. It is copied by `duplicate()`; the client
 * itself is neither used nor closed.
 */
export interface RedisClient {
  /** ioredis's state of the connection. */
  readonly status: string;
  /** The client's options. */
  readonly options: object;
  /** Makes another client with the same options and some others. */
  duplicate(...more: never[]): unknown;
}

/**
 * A URL, ioredis options, or an ioredis client to copy. A URL that lists nodes (`redis://one:6379,two:6379`) leads to a cluster.
 */
export type RedisTarget = string | Omit<RedisOptions, 'replyMapping'> | RedisClient;

const TARGETS = 'a URL such as redis://127.0.0.1:6379, ioredis options or an ioredis client';

/** @throws InvalidArgumentError, which repeats no URL: it can hold a password. */
export function parseRedisTarget(target: unknown): RedisTarget {
  if (typeof target === 'string') {
    const [, protocol] = /^([a-z+.-]+):\/\//i.exec(target) ?? [];
    if (target.trim() !== '' && (protocol === undefined || /^rediss?$/i.test(protocol))) return target;
    const given = target.trim() === '' ? 'an empty text' : `a URL of ${protocol}:`;
    throw new InvalidArgumentError('connection', `must be ${TARGETS}, not ${given}`);
  }
  if (isRedisClient(target) || isPlainObject(target)) return target;
  throw new InvalidArgumentError('connection', `must be ${TARGETS}, not ${kindOf(target)}`);
}

function isRedisClient(target: unknown): target is RedisClient {
  return target instanceof Object && 'duplicate' in target && 'status' in target && typeof target.status === 'string';
}

function isPlainObject(target: unknown): target is RedisOptions {
  return typeof target === 'object' && target !== null && [Object.prototype, null].includes(Object.getPrototypeOf(target));
}

// Together below the two seconds after which a caller is told.
const READY_WITHIN_MS = 900;
const ANSWER_WITHIN_MS = 900;
const MAX_RECONNECT_MS = 500;

const common = {
  // BullMQ prefixes the keys itself, and a worker must find them.
  keyPrefix: '',
  retryStrategy: (times: number) => Math.min(times * 50, MAX_RECONNECT_MS),
  connectTimeout: READY_WITHIN_MS,
} satisfies RedisOptions;

// Nothing is kept back for a Redis that is away: the caller is told, and decides.
const failFast = {
  ...common,
  lazyConnect: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: ANSWER_WITHIN_MS,
  // A connection that swallows everything is given up, so that the next call gets a new one.
  socketTimeout: ANSWER_WITHIN_MS,
} satisfies RedisOptions;

// Events block for seconds and wait for Redis as long as it takes.
const patient = {
  ...common,
  lazyConnect: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
} satisfies RedisOptions;

// BullMQ's own look at the server fails once and for all when Redis is away just then.
const startsAnyway = { skipVersionCheck: true, skipWaitingForReady: true };

/** Opens one connection for commands, and one more for each `queueEvents`. Commands fail at once while Redis is away. */
export function openRedisSource(target: RedisTarget): RedisSource {
  const commands = connect(target, failFast);
  // Whoever calls learns of the failure from the call.
  commands.on('error', () => {});
  let connecting: Promise<void> | undefined;
  return {
    queue: (name, options) => new Queue(name, { ...options, ...startsAnyway, connection: commands }),
    // BullMQ listens on a copy of this connection, which never opens itself.
    queueEvents: (name, options) => new RedisEvents(name, { ...options, ...startsAnyway, connection: connect(target, patient) }),
    ready() {
      if (commands.status === 'ready') return Promise.resolve();
      // One wait for all who call meanwhile, whatever their number.
      connecting ??= untilReady(commands).finally(() => {
        connecting = undefined;
      });
      return connecting;
    },
    release: () => commands.disconnect(),
  };
}

class RedisEvents extends QueueEvents {
  override async close(): Promise<void> {
    const client = await (this.backend as RedisQueueBackend).client;
    // BullMQ waits for the connection's end, which ioredis never tells when it is closed between two attempts to connect.
    if (client.status === 'reconnecting') await new Promise<void>((resolve) => client.once('connecting', () => resolve()));
    // The attempt that this ends may reject it.
    await super.close().catch(() => {});
  }
}

function connect(target: RedisTarget, options: typeof failFast | typeof patient): Redis | Cluster {
  if (typeof target === 'string') {
    const nodes = target.includes(',') ? readNodes(target) : [];
    return nodes.length > 1 ? new Cluster(nodes, inCluster(options, readLogin(target))) : new Redis(target, options);
  }
  if (!isRedisClient(target)) return new Redis({ ...target, ...options });
  // Not instanceof: the caller's ioredis can be another copy than ours, or another version.
  const client = target as unknown as Redis | Cluster;
  return 'nodes' in client ? client.duplicate([], inCluster(options)) : client.duplicate(options);
}

// A command waits so long before it asks again who has the slot of a node that is gone.
const ASK_AGAIN_MS = 100;
const ASKS_FAST = 5;

type Login = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

/** The same patience of a client that has a connection to each node; those that it finds by itself have the same login. */
function inCluster(
  { lazyConnect, enableOfflineQueue, retryStrategy, ...options }: typeof failFast | typeof patient,
  login: Login = {},
) {
  return {
    lazyConnect,
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    maxRedirections: enableOfflineQueue ? Number.MAX_SAFE_INTEGER : ASKS_FAST,
    retryDelayOnFailover: ASK_AGAIN_MS,
    retryDelayOnClusterDown: ASK_AGAIN_MS,
    retryDelayOnMoved: ASK_AGAIN_MS,
    // With it a connect() that meets a cluster without a master for some slots never comes back, and events are heard no more.
    enableReadyCheck: false,
    redisOptions: { ...login, ...options },
  };
}

// The last @ ends the password, which may hold a comma.
const NODES = /^(?<login>\w+:\/\/(.*@)?)(?<hosts>[^/?]*)/;

/** The nodes that a URL lists. */
function readNodes(url: string): { host: string; port: number }[] {
  const { hosts = '' } = NODES.exec(url)?.groups ?? {};
  return hosts.split(',').map((host) => {
    const { hostname, port } = new URL(`redis://${host.trim()}`);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
  });
}

function readLogin(url: string): Login {
  const { username, password, protocol } = new URL(`${NODES.exec(url)?.groups?.login}nodes`);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

async function untilReady(redis: Redis | Cluster): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), READY_WITHIN_MS);
  try {
    // Rejects at the first error too, which says more than that time is up.
    await once(redis, 'ready', { signal: late.signal });
  } catch (error) {
    if (late.signal.aborted) throw new Error(`no connection within ${READY_WITHIN_MS} ms`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
