// Run by a test as another service: enqueues one transfer with our producer and prints what became of it.
import { createProducer } from '@kpay/producer';

const producer = createProducer({ account: 'default', connection: process.env.REDIS_URL ?? '' });
const enqueued = await producer.enqueue({
  externalId: 'from-a-service',
  sourceCountry: 'CMR',
  destinationCountry: 'SEN',
  amount: 100_000,
});
const { transferId } = await enqueued.accepted();
const result = await enqueued.finished();
await producer.close();
process.stdout.write(`${JSON.stringify({ transferId, result })}\n`);
