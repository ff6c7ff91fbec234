import type { EventEmitter } from 'node:events';
import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type Processor,
  Queue,
  type QueueBaseOptions,
  QueueEvents,
  type QueueEventsOptions,
  type QueueOptions,
  type RedisQueueBackend,
  runMigrations,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { queuePool } from '../database/embedded/embedded-queue-pool.ts';
import type { EmbeddedDatabase } from '../database/embedded/open-embedded-database.ts';
import { repeat } from '../process/repeat.ts';
import { openRedis, pingWritable, type RedisRole, redisServers } from '../redis/open-redis.ts';
import { queueTelemetry } from '../telemetry/start-telemetry.ts';
import { type FetchWatch, watchFetches } from './watch-fetches.ts';

/** `prefix` is `{kpay-<account>}`: the braces keep an account's keys in one slot of a Redis Cluster. */
type Settings<Options extends QueueBaseOptions> = Omit<Options, 'connection' | 'prefix'> & { prefix: string };

/** Makes BullMQ's objects on the process's backend, and closes all that it made. */
export interface Queues {
  queue<Data = unknown, Result = unknown>(name: string, options: Settings<QueueOptions>): Queue<Data, Result>;
  worker<Data = unknown, Result = unknown>(
    name: string,
    processor: Processor<Data, Result>,
    /** `untraced`: the processor makes its own spans (traceJob). */
    options: Settings<WorkerOptions> & { untraced?: boolean },
  ): Worker<Data, Result>;
  queueEvents(name: string, options: Settings<QueueEventsOptions>): QueueEvents;
  /**
   * Finds the queues with unfinished jobs whose names begin with `name`, whoever added the jobs. `prefix` is their
   * prefix in Redis. It walks through all keys, so call it seldom.
   */
  findQueues(beginning: { prefix: string; name: string }): Promise<FoundQueue[]>;
  /** Checks that the store answers and takes writes, within five seconds. */
  ping(): Promise<void>;
  /** Queues whose worker waits in vain although the store answers others. Only a new process helps. */
  stuck(): readonly string[];
  /** Closes the newest first. A worker finishes its present jobs. What is closed already stays closed. */
  close(): Promise<void>;
}

export interface FoundQueue {
  name: string;
  /** Undefined in the embedded database, which has no prefixes. */
  prefix?: string;
}

const WATCH_EVERY_MS = 10_000;

/** Where BullMQ keeps its jobs: in the embedded database's schema `bullmq`, or in Redis. */
export type QueueStore = { kind: 'embedded'; database: EmbeddedDatabase } | { kind: 'redis'; redisUrl: string };

/**
 * Opens BullMQ. Errors of its connections are logged here; they are temporary, because BullMQ tries again.
 *
 * @throws StartError when Redis does not answer.
 */
export async function openQueues({ store, logger }: { store: QueueStore; logger: Logger }): Promise<Queues> {
  const { connection, backend, watch, findQueues, ping, release } =
    store.kind === 'embedded' ? await useDatabase(store.database) : await useRedis(store.redisUrl, logger);
  const telemetry = queueTelemetry();
  const traced = telemetry ? { telemetry } : {};
  const failed = (error: unknown) => logger.error({ err: error }, 'cannot watch the queues');
  const stopWatching = watch && repeat(watch.check, WATCH_EVERY_MS, failed);
  const opened: { close(): Promise<void> }[] = [];
  let closing: Promise<void> | undefined;

  const keep = <T extends EventEmitter & { close(): Promise<void> }>(made: T, name: string): T => {
    made.on('error', (error: Error) => logger.error({ err: error, queue: name }, 'the queue failed'));
    opened.push(made);
    return made;
  };
  const shut = async () => {
    // Not awaited, because it may be waiting for a store that hangs.
    void stopWatching?.();
    for (const each of opened.splice(0).reverse()) await each.close();
    await release();
  };
  return {
    queue: (name, options) =>
      // Without skipWaitingForReady an add would wait, with its caller, for as long as Redis is away. BullMQ's own
      // version check is skipped, because openRedis has checked already. It fails for good when its answer is late, as
      // with a thousand queues at a start.
      keep(
        new Queue(
          name,
          { skipWaitingForReady: true, skipVersionCheck: true, ...traced, ...options, connection: connection('producer') },
          backend,
        ),
        name,
      ),
    worker(name, processor, { untraced = false, ...options }) {
      const watched: typeof backend = (...asked) => {
        const made = backend(...asked);
        return watch?.watch({ name, prefix: options.prefix }, made) ?? made;
      };
      const settings = { ...(untraced ? {} : traced), ...options, connection: connection('worker') };
      const worker = keep(new Worker(name, processor, settings, watched), name);
      worker.once('closed', () => watch?.forget(worker.backend));
      return worker;
    },
    queueEvents: (name, options) => keep(new QueueEvents(name, { ...options, connection: connection('worker') }, backend), name),
    findQueues,
    ping,
    stuck: () => watch?.stuck() ?? [],
    close: () => (closing ??= shut()),
  };
}

interface Backend {
  findQueues: Queues['findQueues'];
  connection(role: RedisRole): ConnectionOptions;
  backend: BackendFactory<RedisQueueBackend>;
  watch?: FetchWatch;
  ping(): Promise<void>;
  release(): Promise<void>;
}

async function useDatabase(database: EmbeddedDatabase): Promise<Backend> {
  const client = await database.pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
  return {
    // BullMQ types a queue by its backend. Callers must not depend on that, because the objects behave alike.
    connection: () => queuePool(database) as unknown as ConnectionOptions,
    backend: createPostgresBackend as unknown as BackendFactory<RedisQueueBackend>,
    async findQueues({ name }) {
      const unfinished = `select distinct queue as name from bullmq.job
        where starts_with(queue, $1) and state::text not in ('completed', 'failed')`;
      return (await database.pool.query<FoundQueue>(unfinished, [name])).rows;
    },
    ping: async () => void (await database.pool.query('select 1')),
    release: async () => {},
  };
}

async function useRedis(url: string, logger: Logger): Promise<Backend> {
  const producer = await openRedis({ url, role: 'producer', logger });
  const worker = await openRedis({ url, role: 'worker', logger });
  return {
    // BullMQ itself makes the blocking connections, as duplicates of the worker's.
    connection: (role) => (role === 'producer' ? producer : worker),
    backend: createRedisBackend,
    // Asks for one key of the queue, because in a cluster another master's answer says nothing about it.
    watch: watchFetches({
      probe: ({ prefix, name }) => producer.exists(`${prefix}:${name}:meta`),
      nowMs: () => performance.now(),
    }),
    async findQueues({ prefix, name }) {
      const found = await Promise.all(redisServers(producer).map((server) => scanQueues(server, prefix, name)));
      // While a slot moves, its keys are on both servers.
      return [...new Map(found.flat().map((queue) => [`${queue.prefix}:${queue.name}`, queue])).values()];
    },
    ping: () => pingWritable(producer),
    release: async () => {
      // Not quit(): nothing is under way any more, and Redis may be away.
      producer.disconnect();
      worker.disconnect();
    },
  };
}

const SCAN_COUNT = 1_000;
// A million keys. Queues beyond that are not found, so that the search does not slow Redis down for longer.
const MAX_SCANS = 1_000;
// The keys of a queue that exist only while it has unfinished jobs.
const UNFINISHED = /^(?<prefix>[^:]+):(?<name>[^:]+):(wait|prioritized|delayed|active|paused|waiting-children)$/;

async function scanQueues(redis: Redis, prefix: string, name: string): Promise<FoundQueue[]> {
  const found: FoundQueue[] = [];
  let cursor = '0';
  for (let scan = 0; scan < MAX_SCANS; scan++) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*:${name}*`, 'COUNT', SCAN_COUNT);
    for (const key of keys) {
      const parts = UNFINISHED.exec(key)?.groups;
      if (parts?.prefix && parts.name) found.push({ prefix: parts.prefix, name: parts.name });
    }
    if (next === '0') break;
    cursor = next;
  }
  return found;
}
