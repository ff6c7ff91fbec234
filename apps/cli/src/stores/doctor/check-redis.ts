import { type Logger, openRedis, redisServers } from '@kpay/runtime';
import type { Cluster, Redis } from 'ioredis';
import { type Finding, wrongFrom } from './finding.ts';

export interface CheckedRedis {
  findings: Finding[];
  /** Undefined when no app could use it. */
  redis: Redis | Cluster | undefined;
}

/** Whether the apps would start on this Redis, and what it loses when it restarts. */
export async function checkRedis(url: string, logger: Logger): Promise<CheckedRedis> {
  const check = 'redis';
  let redis: Redis | Cluster;
  try {
    redis = await openRedis({ url, role: 'producer', logger });
  } catch (error) {
    return { findings: [wrongFrom(check, error)], redis: undefined };
  }
  const infos = await Promise.all(redisServers(redis).map((server) => server.info()));
  const infoOf = (info: string | undefined, name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info ?? '')?.[1] ?? '';
  const isCluster = infos.length > 1;
  const kind = isCluster ? `Redis Cluster of ${infos.length} masters, ` : 'Redis ';
  const good: Finding = { check, verdict: 'good', what: `${kind}${infoOf(infos[0], 'redis_version')}, evicts nothing` };
  if (infos.every((info) => infoOf(info, 'aof_enabled') === '1')) {
    return { findings: [{ ...good, what: `${good.what}, append-only file on` }], redis };
  }
  const findings: Finding[] = [
    good,
    {
      check: 'redis persistence',
      verdict: 'warning',
      what: 'the append-only file is off: jobs that were not accepted yet are lost when Redis restarts (what was accepted is in the ledger)',
      fix: isCluster
        ? 'redis-cli --cluster call HOST:PORT config set appendonly yes   # and appendonly yes in the configuration of each node'
        : 'redis-cli -u "$REDIS_URL" config set appendonly yes   # and appendonly yes in its configuration',
    },
  ];
  return { findings, redis };
}
