import { createLogger, openEmbeddedDatabase, openQueues } from '@kpay/runtime';
import { embeddedDataFolder, keepLog } from '@kpay/testkit';
import { afterAll, expect, it } from 'vitest';
import { request } from '../test/stage.ts';
import { acceptAndSucceed } from '../test/stand-in-worker.ts';
import { createProducer, queuePrefix, type TransferJobData, type TransferJobResult, transferQueueName } from './index.ts';

const folder = await embeddedDataFolder();
const logger = createLogger({ name: 'test', destination: keepLog('producer') });
const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
const queues = await openQueues({ store: { kind: 'embedded', database }, logger });
afterAll(async () => {
  await queues.close();
  await database.close();
  folder.remove();
});

it('is the same on the embedded database, through queues that the process has', async () => {
  const account = 'default';
  const producer = createProducer({ account, queues });
  const transfer = await producer.enqueue(request);
  const accepted = transfer.accepted();
  queues.worker<TransferJobData, TransferJobResult>(transferQueueName(account), acceptAndSucceed, {
    prefix: queuePrefix(account),
  });
  expect(await accepted).toEqual({ transferId: 'transfer-of-order-1' });
  expect(await transfer.finished()).toMatchObject({ state: 'succeeded' });
  expect((await producer.enqueue(request)).jobId).toBe(transfer.jobId);
  await producer.close();
});
