import { type Logger, openRedis } from '@kpay/runtime';
import type { Redis } from 'ioredis';
import { type Finding, wrongFrom } from './finding.ts';

export interface CheckedRedis {
  findings: Finding[];
  /** Undefined when no app could use it. */
  redis: Redis | undefined;
}

/** Whether the apps would start on this Redis, and what it loses when it restarts. */
export async function checkRedis(url: string, logger: Logger): Promise<CheckedRedis> {
  const check = 'redis';
  let redis: Redis;
  try {
    redis = await openRedis({ url, role: 'producer', logger });
  } catch (error) {
    return { findings: [wrongFrom(check, error)], redis: undefined };
  }
  const info = await redis.info();
  const told = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const good: Finding = { check, verdict: 'good', what: `Redis ${told('redis_version')}, evicts nothing` };
  if (told('aof_enabled') === '1') return { findings: [{ ...good, what: `${good.what}, append-only file on` }], redis };
  const findings: Finding[] = [
    good,
    {
      check: 'redis persistence',
      verdict: 'warning',
      what: 'the append-only file is off: jobs that were not accepted yet are lost when Redis restarts (what was accepted is in the ledger)',
      mend: 'redis-cli -u "$REDIS_URL" config set appendonly yes   # and appendonly yes in its configuration',
    },
  ];
  return { findings, redis };
}
