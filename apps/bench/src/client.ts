import { setTimeout as delay } from 'node:timers/promises';
import { openKpayAccount, parseAmount, transferBody } from '@kpay/core';
import { simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { Pool } from 'undici';
import { openStage } from './stage.ts';
import { uuidFor } from './uuid-for.ts';

export interface ClientCalls {
  /** Calls under way at once. */
  concurrency: number;
  /** Calls a second, a pair each round. */
  rounds: { ours: number; bare: number }[];
}

const WALLETS = { sourceCountry: 'CMR', destinationCountry: 'SEN' };
const AMOUNT = parseAmount(100, 'XAF');

/**
 * The client's transfer, with token and budget in memory, against undici with the same text, whose answer is only
 * parsed. The server is the simulator in a process of its own.
 */
export async function measureClient({ calls, rounds }: { calls: number; rounds: number }): Promise<ClientCalls[]> {
  const stage = await openStage();
  const account = openKpayAccount({
    name: 'default',
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    baseUrl: stage.simulatorUrl,
    environment: 'TEST',
    rateLimitPerMinute: 100_000,
    // The shortest log of slots: under the real limit it holds a hundred.
    budgetWindowMs: 100,
  });
  const pool = new Pool(stage.simulatorUrl);
  try {
    await stage.control('POST', 'limit', { limit: 1_000_000 });
    const authorization = `Bearer ${await account.client.accessToken({ lane: 'money' })}`;
    const headers = { accept: 'application/json', 'content-type': 'application/json', authorization };
    const fieldsOf = (name: string) => ({
      ...WALLETS,
      applicationId: simulatorApplicationId,
      amount: AMOUNT,
      externalId: uuidFor(name),
    });
    const sides = {
      ours: (name: string) => account.client.transfer(fieldsOf(name), { lane: 'money' }),
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
      // The first round warms both up.
      for (let round = 0; round <= rounds; round += 1) {
        const perSecond = { ours: 0, bare: 0 };
        for (const side of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
          perSecond[side] = await callsPerSecond(calls, concurrency, (call) =>
            sides[side](`${side} ${concurrency} ${round} ${call}`),
          );
          await delay(100);
        }
        if (round > 0) measured.push(perSecond);
      }
      results.push({ concurrency, rounds: measured });
    }
    return results;
  } finally {
    await account.close();
    await pool.close();
    await stage.close();
  }
}

async function callsPerSecond(calls: number, concurrency: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const caller = async () => {
    while (next < calls) {
      const index = next;
      next += 1;
      await call(index);
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, caller));
  return (calls * 1_000) / (performance.now() - startedMs);
}
