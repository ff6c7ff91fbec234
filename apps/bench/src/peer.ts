#!/usr/bin/env node
// A program by somebody who knows BullMQ and has read KPay's page: a token in memory, a read of the balance and of the
// rate before each transfer, and BullMQ's limiter to stay below KPay's limit.
import type { TransferJobData } from '@kpay/producer';
import { simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { corridors } from './orders.ts';
import { uuidFor } from './uuid-for.ts';

const { REDIS_URL = '', KPAY_BASE_URL = '', PEER_QUEUE = '', PEER_LIMIT_PER_MINUTE = '', PEER_TIME_SCALE = '' } = process.env;
const scale = Number(PEER_TIME_SCALE);
const REQUESTS_PER_TRANSFER = 3;
// A third of a minute's limit at a time, because a whole minute's worth at once would overlap with the last minute in
// KPay's sliding window. A little slower than allowed, because BullMQ counts jobs when they begin and KPay counts
// requests when they arrive.
const PARTS = 3;
const SLOWER = 1.02;
const limiter = {
  max: Math.floor(Number(PEER_LIMIT_PER_MINUTE) / REQUESTS_PER_TRANSFER / PARTS),
  duration: ((60_000 / PARTS) * SLOWER) / scale,
};
const TOKEN_MS = (30 * 60_000) / scale;
const REFRESH_EARLY_MS = (2 * 60_000) / scale;
const WAIT_AFTER_429_MS = 1_000 / scale;

const kpay = new Pool(KPAY_BASE_URL);
const keys = { 'x-api-key': simulatorApiKey, 'x-secret-key': simulatorSecretKey };
let token: Promise<string> | undefined;
let tokenEndsMs = 0;

async function ask<T>(method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: object): Promise<T> {
  const answer = await kpay.request({
    method,
    path,
    headers: { accept: 'application/json', ...headers, ...(body && { 'content-type': 'application/json' }) },
    body: body ? JSON.stringify(body) : null,
  });
  const text = await answer.body.text();
  if (answer.statusCode === 429) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_AFTER_429_MS));
    return ask(method, path, headers, body);
  }
  if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
  return JSON.parse(text) as T;
}

function cachedToken(): Promise<string> {
  if (!token || Date.now() > tokenEndsMs - REFRESH_EARLY_MS) {
    tokenEndsMs = Date.now() + TOKEN_MS;
    token = ask<{ accessToken: string }>('POST', '/api/v1/payments/token', keys, {}).then(({ accessToken }) => accessToken);
  }
  return token;
}

async function move(order: TransferJobData): Promise<void> {
  const { externalId, sourceCountry, destinationCountry, amount, minRate = 0 } = order;
  const [from = '', to = ''] = pairOf(order).split(':');
  const [wallets, { rate }] = await Promise.all([
    ask<{ currency: string; availableBalance: number }[]>('GET', '/api/v1/payments/balance', keys),
    ask<{ rate: number }>('GET', `/api/v1/payments/exchange-rate?from=${from}&to=${to}`, keys),
  ]);
  const available = wallets.filter((wallet) => wallet.currency === from).reduce((sum, each) => sum + each.availableBalance, 0);
  if (available < Number(amount)) throw new Error(`not enough ${from}`);
  if (rate < Number(minRate)) throw new Error(`${from} to ${to} is at ${rate}`);
  const authorization = `Bearer ${await cachedToken()}`;
  const body = {
    applicationId: simulatorApplicationId,
    sourceCountry,
    destinationCountry,
    amount,
    externalId: uuidFor(externalId),
  };
  await ask('POST', '/api/wallets/transfer', { authorization }, body);
}

function pairOf({ sourceCountry, destinationCountry }: TransferJobData): string {
  const corridor = corridors.find(({ from, to }) => from === sourceCountry && to === destinationCountry);
  if (!corridor) throw new Error(`${sourceCountry} to ${destinationCountry} is not among the corridors`);
  return corridor.pair;
}

const worker = new Worker<TransferJobData>(PEER_QUEUE, (job) => move(job.data), {
  connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
  concurrency: 10,
  limiter,
  prefix: '{peer}',
});
await worker.waitUntilReady();
process.stdout.write('ready\n');
process.once('SIGTERM', () => void worker.close().then(() => process.exit(0)));
