import type { RedisClient } from '@kpay/core/redis';
import type { EpochWitness } from './epoch-witness.ts';

const KEY = '{kpay-ledger}:epoch';

/** The rule of mayOverwrite() in epoch-witness.ts as one atomic step, because several workers write. */
const WRITE = `
local ledger, epoch = unpack(redis.call('HMGET', KEYS[1], 'ledgerId', 'epoch'))
if ledger and (ledger ~= ARGV[1] or tonumber(epoch) >= tonumber(ARGV[2])) then return 0 end
redis.call('HSET', KEYS[1], 'ledgerId', ARGV[1], 'epoch', ARGV[2])
return 1`;

/** A witness in Redis, shared by all workers. It has no expiry; it is lost only with that Redis. */
export function createRedisEpochWitness(redis: RedisClient): EpochWitness {
  const run = (script: string, ...values: (string | number)[]) => redis.eval(script, 1, KEY, ...values);
  return {
    where: 'the Redis of REDIS_URL',
    async read() {
      const found = (await run(`return redis.call('HMGET', KEYS[1], 'ledgerId', 'epoch')`)) as (string | null)[];
      const [ledgerId, epoch] = found;
      return ledgerId && epoch ? { ledgerId, epoch: Number(epoch) } : undefined;
    },
    async write({ ledgerId, epoch }) {
      await run(WRITE, ledgerId, epoch);
    },
    async replace({ ledgerId, epoch }) {
      await run(`return redis.call('HSET', KEYS[1], 'ledgerId', ARGV[1], 'epoch', ARGV[2])`, ledgerId, epoch);
    },
  };
}
