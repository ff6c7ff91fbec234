import { createHash } from 'node:crypto';

/** What these stores need of a Redis client; `Redis` and `Cluster` of ioredis fit. */
export interface RedisClient {
  /** EVALSHA: runs a script that the server knows by its digest. */
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: Array<string | number>): Promise<unknown>;
  /** EVAL: runs a script by its text. */
  eval(script: string, keyCount: number, ...keysAndArguments: Array<string | number>): Promise<unknown>;
}

/** Runs one script as one atomic step. All `keys` must lie in one hash slot. */
export type RunScript = (redis: RedisClient, keys: readonly string[], values: ReadonlyArray<string | number>) => Promise<unknown>;

/** A script by its digest; Redis is sent the text only when it does not know it, after a restart or a failover. */
export function createScript(text: string): RunScript {
  const sha1 = createHash('sha1').update(text).digest('hex');
  return async (redis, keys, values) => {
    try {
      return await redis.evalsha(sha1, keys.length, ...keys, ...values).catch((error: unknown) => {
        // Only then did nothing of it happen: any other failure may have been carried out, and is not tried twice.
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
        return redis.eval(text, keys.length, ...keys, ...values);
      });
    } catch (error) {
      // Without the original: ioredis keeps a command's arguments on its errors, and a token can be among them.
      throw new Error(`Redis refused or did not answer: ${messageOf(error)}`);
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Redis' clock in whole milliseconds, as `now`. Every script that compares times begins with it. */
export const LUA_NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;
