#!/usr/bin/env node
// The least work that accepts a transfer over HTTP, stores it and notifies a worker: Express, the same two rows in the
// same tables with their indexes and triggers, in one statement, and the same job. It authenticates nobody and checks
// nothing; a repeated order is an error of the database.
import { createHash, randomUUID } from 'node:crypto';
import { openLedger } from '@kpay/ledger';
import { createLogger, openPostgres } from '@kpay/runtime';
import { advanceQueueName } from '@kpay/transfers/worker';
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import pg from 'pg';
import { uuidFor } from './uuid-for.ts';

const { DATABASE_URL = '', REDIS_URL = '', BARE_PORT = '' } = process.env;
const migrating = await openPostgres({ url: DATABASE_URL, logger: createLogger({ name: 'bare', level: 'silent' }) });
await openLedger(migrating.kysely());
await migrating.close();

// As many connections as the API's.
const database = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
const queue = new Queue(advanceQueueName('default'), { connection: new Redis(REDIS_URL), prefix: '{bare}' });
const insert = `
  with made as (
    insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country,
      destination_country, amount_minor, currency, destination_currency, on_insufficient_funds, priority, state, due_at,
      created_at, updated_at)
    values ($1, 'default', $2, 'admin', $3, $4, $5, $6, $7, 'XAF', 'XAF', 'hold', 5, 'queued', now(), now(), now())
    returning *
  ), told as (
    insert into kpay.transfer_events (transfer_id, version, type, to_state, actor, at)
    select id, version, 'accepted', state, 'admin', created_at from made
  )
  select * from made`;

const app = express();
app.post('/v1/transfers', express.json(), async (request, response) => {
  const { externalId, sourceCountry, destinationCountry, amount } = request.body;
  const hash = createHash('sha256').update(JSON.stringify(request.body)).digest('hex');
  const { rows } = await database.query({
    name: 'accept',
    text: insert,
    values: [randomUUID(), externalId, hash, uuidFor(externalId), sourceCountry, destinationCountry, amount],
  });
  const options = { jobId: `t-${rows[0].id}-1`, priority: 5, removeOnComplete: true, removeOnFail: true };
  await queue.add('advance', { transferId: rows[0].id }, options);
  response.status(202).json(rows[0]);
});
app.listen(Number(BARE_PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
process.once('SIGTERM', () => process.exit(0));
