import { Kpay, parseAmount, transferBody } from '@kpay/core';
import { simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { Pool } from 'undici';
import { openStage } from './stage.ts';
import { uuidFor } from './uuid-for.ts';

type Side = 'ours' | 'bare';

export interface ClientCalls {
  /** How many calls are under way at once. */
  concurrency: number;
  /** A pair for each round. */
  rounds: Record<Side, CallCost>[];
}

/** The cost of calls in one round. */
export interface CallCost {
  perSecond: number;
  /** Processor time of a call, in microseconds. */
  cpuUs: number;
}

const WALLETS = { sourceCountry: 'CMR', destinationCountry: 'SEN' };
const AMOUNT = parseAmount(100, 'XAF');

/** Enough rounds that late compilation has happened. */
const WARM_UP_ROUNDS = 4;

/**
 * Measures the client's transfer, with token and budget in memory, against undici with the same request, which only
 * parses the answer. The server is the simulator in a separate process. Rounds are many and short, so that a temporary
 * disturbance of the machine affects both sides.
 */
export async function measureClient({ calls, rounds }: { calls: number; rounds: number }): Promise<ClientCalls[]> {
  const stage = await openStage();
  const account = new Kpay({
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    baseUrl: stage.simulatorUrl,
    rateLimitPerMinute: 100_000,
    // The shortest log of slots. Under the real limit it holds a hundred.
    budgetWindowMs: 100,
  });
  const pool = new Pool(stage.simulatorUrl);
  try {
    await stage.control('POST', 'limit', { limit: 1_000_000 });
    const authorization = `Bearer ${await account.accessToken({ lane: 'money' })}`;
    const headers = { accept: 'application/json', 'content-type': 'application/json', authorization };
    const fieldsOf = (name: string) => ({
      ...WALLETS,
      applicationId: simulatorApplicationId,
      amount: AMOUNT,
      externalId: uuidFor(name),
    });
    const sides = {
      ours: (name: string) => account.transfer(fieldsOf(name), { lane: 'money' }),
      bare: async (name: string) => {
        const answer = await pool.request({
          method: 'POST',
          path: '/api/wallets/transfer',
          headers,
          body: transferBody(fieldsOf(name)),
        });
        return JSON.parse(await answer.body.text());
      },
    };
    const results: ClientCalls[] = [];
    for (const concurrency of [1, 10]) {
      const measured: ClientCalls['rounds'] = [];
      for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
        const costs: Partial<Record<Side, CallCost>> = {};
        for (const side of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
          costs[side] = await costOf(calls, concurrency, (call) => sides[side](`${side} ${concurrency} ${round} ${call}`));
        }
        measured.push(costs as Record<Side, CallCost>);
      }
      results.push({ concurrency, rounds: measured.slice(WARM_UP_ROUNDS) });
    }
    return results;
  } finally {
    await account.close();
    await pool.close();
    await stage.close();
  }
}

async function costOf(calls: number, concurrency: number, call: (index: number) => Promise<unknown>): Promise<CallCost> {
  let next = 0;
  const caller = async () => {
    while (next < calls) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, caller));
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (calls * 1_000) / (performance.now() - startedMs), cpuUs: (user + system) / calls };
}
