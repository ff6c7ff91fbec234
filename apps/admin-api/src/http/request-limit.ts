import { batchTurn, within } from '@kpay/ledger';
import type { Logger } from '@kpay/runtime';
import type { RequestHandler, Response } from 'express';
import { type Options, rateLimit, type Store } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import type { Caller } from '../auth/caller.ts';
import { Problem } from '../problems/problem.ts';

const WINDOW_MS = 60_000;
// What counting may cost the requests that come first when Redis hangs.
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
  /** For a key that has no limit of its own. */
  perMinute: number;
  /** Where all processes count together; each counts by itself without it. */
  redis?: CountingRedis | undefined;
  logger: Logger;
}

/**
 * Counts the requests of each caller and says in `RateLimit` and `RateLimit-Policy` how many are left. Too many are
 * answered 429 with Retry-After. What cannot be counted passes: the limit protects from a caller gone wild, and a Redis
 * that is away must not stop transfers.
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
    // The store below says it once, not for every request.
    logger: { warn: () => {}, error: () => {} },
    handler: (_request, _response, next) => {
      next(new Problem('too_many_requests', 'The key has used its requests of this minute: wait as long as Retry-After says.'));
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
    // A script that could not be loaded is loaded again.
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
        // Nobody waits for a Redis that was away: one asks in the background whether it is back.
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
  if (!replies) throw new Error('Redis was asked for nothing');
  return replies;
}

/** Each key is on the server of its slot, so each command goes its own way; a script is made known to all servers. */
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
