import { queuePrefix, transferQueueName } from '@kpay/producer';
import { createLogger, openEmbeddedDatabase, openQueues, type QueueStore } from '@kpay/runtime';
import { embeddedDataFolder, emptyTestRedis, eventually, keepLog, testServerUrls } from '@kpay/testkit';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { watchUnknownQueues } from '../src/watch-unknown-queues.ts';

const logger = createLogger({ name: 'test', destination: keepLog('unknown-queues') });

async function openStore(): Promise<QueueStore> {
  const servers = testServerUrls();
  if (servers) return { kind: 'redis', redisUrl: await emptyTestRedis(servers.redisUrl) };
  const folder = await embeddedDataFolder();
  const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
  onTestFinished(async () => {
    await database.close();
    folder.remove();
  });
  return { kind: 'embedded', database };
}

it('counts a queue with jobs and no account, without its name, until it is empty', { timeout: 60_000 }, async () => {
  const store = await openStore();
  const queues = await openQueues({ store, logger });
  onTestFinished(() => queues.close());
  const registry = new Registry();
  const stop = watchUnknownQueues({ queues, accounts: ['default', 'other'], registry, logger, everyMs: 20 });
  onTestFinished(stop);
  const open = (account: string) => queues.queue(transferQueueName(account), { prefix: queuePrefix(account) });
  const counted = (count: number) =>
    eventually(async () => expect(await registry.metrics()).toContain(`\nkpay_unknown_queues ${count}\n`));

  await counted(0);
  for (const account of ['default', 'other']) await open(account).add('transfer', {});
  const [typo, late] = [open('defualt'), open('secret-name')];
  await typo.add('transfer', {});
  await late.add('transfer', {}, { delay: 60_000 });
  await counted(2);
  expect(await registry.metrics()).not.toContain('secret-name');
  await typo.drain();
  await counted(1);
});
