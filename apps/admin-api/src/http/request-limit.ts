import { batchTurn, within } from '@kpay/ledger';
import type { Logger } from '@kpay/runtime';
import type { RequestHandler, Response } from 'express';
import { type Options, rateLimit, type Store } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import type { Caller } from '../auth/caller.ts';
import { Problem } from '../problems/problem.ts';

const WINDOW_MS = 60_000;
// How long counting may delay the first requests when Redis hangs.
const COUNT_WITHIN_MS = 200;
const RECHECK_AFTER_MS = 500;

/** The part of a Redis client that counting needs. */
export type CountingRedis = CountingServer | CountingCluster;

interface CountingServer {
  pipeline(commands: ['call', ...string[]][]): { exec(): Promise<Reply[] | null> };
}

interface CountingCluster {
  call(command: string, ...args: string[]): Promise<unknown>;
  nodes(role: 'master'): { call(command: string, ...args: string[]): Promise<unknown> }[];
}

type Reply = [error: Error | null, reply: unknown];

export interface RequestLimitOptions {
  /** The limit of a key that has none of its own. */
  perMinute: number;
  /** The store in which all processes count together. Without it each process counts by itself. */
  redis?: CountingRedis | undefined;
  logger: Logger;
}

/**
 * Counts the requests of each caller and reports in `RateLimit` and `RateLimit-Policy` how many are left. Further
 * requests get 429 with Retry-After. A request that cannot be counted passes: the limit protects against a runaway
 * caller, and an outage of Redis must not stop transfers.
 */
export function limitRequests({ perMinute, redis, logger }: RequestLimitOptions): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_MS,
    limit: (_request, response) => callerOf(response).requestsPerMinute ?? perMinute,
    keyGenerator: (_request, response) => callerOf(response).id,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'requests',
    passOnStoreError: true,
    // The store below logs this once, not for every request.
    logger: { warn: () => {}, error: () => {} },
    handler: (_request, _response, next) => {
      next(
        new Problem('too_many_requests', 'The key has used all its requests of this minute. Wait as long as Retry-After says.'),
      );
    },
    ...(redis && { store: createSharedStore(redis, logger) }),
  });
}

function callerOf(response: object): Caller {
  return (response as Response).locals.caller as Caller;
}

function createSharedStore(redis: CountingRedis, logger: Logger): Store {
  const send = batchTurn(async (commands: string[][]) =>
    'nodes' in redis ? askCluster(redis, commands) : askServer(redis, commands),
  );
  const store = new RedisStore({
    prefix: 'kpay:requests:',
    async sendCommand(...command: string[]) {
      const [error, reply] = await send(command);
      if (error) throw error;
      return reply as string;
    },
  });
  let options: Options | undefined;
  let ready: Promise<void> | undefined;
  let away = false;
  let probe: Promise<void> | undefined;
  let probedMs = 0;

  const increment = async (key: string) => {
    if (!options) throw new Error('counting was never set up');
    // Loads a script again that could not be loaded before.
    ready ??= store.init(options);
    await ready;
    return store.increment(key);
  };
  const count = (key: string) => within(COUNT_WITHIN_MS, undefined, () => increment(key));
  const probeAgain = async (key: string) => {
    try {
      await count(key);
      away = false;
    } catch {
      ready = undefined;
    }
  };
  return {
    init(given: Options) {
      options = given;
    },
    async increment(key) {
      if (away) {
        // No request waits for a Redis that was away. A background probe asks whether it is back.
        if (!probe && performance.now() - probedMs > RECHECK_AFTER_MS) {
          probedMs = performance.now();
          probe = probeAgain(key).finally(() => {
            probe = undefined;
          });
        }
        throw new Error('Redis was away a moment ago');
      }
      try {
        return await count(key);
      } catch (error) {
        if (!away) logger.warn({ err: error }, 'requests cannot be counted, so all of them pass');
        away = true;
        probedMs = performance.now();
        ready = undefined;
        throw error;
      }
    },
    decrement: (key) => store.decrement(key),
    resetKey: (key) => store.resetKey(key),
  };
}

async function askServer(redis: CountingServer, commands: string[][]): Promise<Reply[]> {
  const replies = await redis.pipeline(commands.map((command) => ['call', ...command])).exec();
  if (!replies) throw new Error('no command was sent to Redis');
  return replies;
}

/** Each key is on the server of its slot, so each command is sent by itself. A script is loaded on all servers. */
async function askCluster(cluster: CountingCluster, commands: string[][]): Promise<Reply[]> {
  return Promise.all(
    commands.map(async ([name = '', ...args]): Promise<Reply> => {
      try {
        if (name !== 'SCRIPT') return [null, await cluster.call(name, ...args)];
        const [reply] = await Promise.all(cluster.nodes('master').map((server) => server.call(name, ...args)));
        return [null, reply];
      } catch (error) {
        return [error instanceof Error ? error : new Error(String(error)), undefined];
      }
    }),
  );
}
