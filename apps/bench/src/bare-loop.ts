#!/usr/bin/env node
// The least work that moves a transfer with a queue and a ledger: the same BullMQ job, one POST, and the three durable
// steps of every transfer (accepted, about to be sent, answered), each with its own commit. It checks nothing, and a
// crash anywhere would lose or double money.
import type { TransferJobData } from '@kpay/producer';
import { simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Pool } from 'undici';
import { uuidFor } from './uuid-for.ts';

const { DATABASE_URL = '', REDIS_URL = '', KPAY_BASE_URL = '', BARE_QUEUE = '', BARE_CONCURRENCY = '' } = process.env;
const concurrency = Number(BARE_CONCURRENCY);

// As many connections as the worker's.
const database = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
await database.query(
  'create table if not exists public.bare (id text primary key, state text not null, body text, answer text, at timestamptz not null)',
);
const kpay = new Pool(KPAY_BASE_URL);
const headers = { 'content-type': 'application/json', accept: 'application/json' };
const token = await post('/api/v1/payments/token', '{}', { 'x-api-key': simulatorApiKey, 'x-secret-key': simulatorSecretKey });
const authorization = `Bearer ${JSON.parse(token).accessToken}`;

async function post(path: string, body: string, more: Record<string, string>): Promise<string> {
  const answer = await kpay.request({ method: 'POST', path, headers: { ...headers, ...more }, body });
  const text = await answer.body.text();
  if (answer.statusCode !== 201) throw new Error(`${answer.statusCode} ${text}`);
  return text;
}

async function move({ externalId, sourceCountry, destinationCountry, amount }: TransferJobData): Promise<void> {
  const id = uuidFor(externalId);
  await database.query(`insert into public.bare values ($1, 'accepted', null, null, now())`, [id]);
  const body = JSON.stringify({
    applicationId: simulatorApplicationId,
    sourceCountry,
    destinationCountry,
    amount,
    externalId: id,
  });
  await database.query(`update public.bare set state = 'submitting', body = $2, at = now() where id = $1`, [id, body]);
  const answer = await post('/api/wallets/transfer', body, { authorization });
  await database.query(`update public.bare set state = 'succeeded', answer = $2, at = now() where id = $1`, [id, answer]);
}

const worker = new Worker<TransferJobData>(BARE_QUEUE, (job) => move(job.data), {
  connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
  concurrency,
  prefix: '{bare}',
});
await worker.waitUntilReady();
process.stdout.write('ready\n');
process.once('SIGTERM', () => void worker.close().then(() => process.exit(0)));
