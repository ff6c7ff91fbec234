import { type Database, redisServers } from '@kpay/runtime';
import type { Cluster, Redis } from 'ioredis';
import type { Finding } from './finding.ts';

// A Date header has whole seconds, and is read over a network.
const MAX_SKEW_MS = 5_000;
const ASK_WITHIN_MS = 10_000;

interface ClockReading {
  who: string;
  /** How far that clock is ahead of ours. */
  aheadMs: number;
}

/** Tells another's time, and half the way there counts as passed. */
async function compare(who: string, ask: () => Promise<number>): Promise<ClockReading> {
  const beforeMs = Date.now();
  const theirsMs = await ask();
  return { who, aheadMs: theirsMs - (beforeMs + Date.now()) / 2 };
}

/** Our clock against KPay's, by the Date of any of its answers. No key is sent, so no budget is spent. */
export async function checkKpayClock(baseUrl: string): Promise<Finding> {
  return clockFinding(`clock of ${new URL(baseUrl).host}`, () =>
    compare('KPay', async () => {
      const answer = await fetch(baseUrl, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(ASK_WITHIN_MS) });
      const date = Date.parse(answer.headers.get('date') ?? '');
      if (Number.isNaN(date)) throw new Error('its answer has no Date');
      // It was cut to a second, so on average half of one is missing.
      return date + 500;
    }),
  );
}

export async function checkPostgresClock({ pool }: Database): Promise<Finding> {
  return clockFinding('clock of postgres', () =>
    compare('Postgres', async () => {
      const { rows } = await pool.query<{ at: Date }>('select clock_timestamp() as at');
      return rows[0]?.at.getTime() ?? Number.NaN;
    }),
  );
}

export async function checkRedisClock(redis: Redis | Cluster): Promise<Finding> {
  return clockFinding('clock of redis', async () => {
    const clocks = await Promise.all(
      redisServers(redis).map((server) =>
        compare('Redis', async () => {
          const [seconds, micros] = await server.time();
          return Number(seconds) * 1_000 + Number(micros) / 1_000;
        }),
      ),
    );
    // Of a cluster the one that is furthest off.
    return clocks.reduce((worst, each) => (Math.abs(each.aheadMs) > Math.abs(worst.aheadMs) ? each : worst));
  });
}

async function clockFinding(check: string, ask: () => Promise<ClockReading>): Promise<Finding> {
  try {
    return checkSkew(check, await ask());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { check, verdict: 'skipped', what: `it does not tell the time (${why})` };
  }
}

export function checkSkew(check: string, { who, aheadMs }: ClockReading): Finding {
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) return { check, verdict: 'good', what: `within ${MAX_SKEW_MS / 1_000} s of ours` };
  return {
    check,
    verdict: 'wrong',
    what: `${who} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine: tokens, ages of balances and rates, and times in the ledger are judged wrongly`,
    fix: 'timedatectl set-ntp true   # on whichever machine is wrong',
  };
}
