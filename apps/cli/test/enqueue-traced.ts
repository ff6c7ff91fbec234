// Run by a test as another service that is traced: within a span of its own it enqueues one transfer with our producer,
// which knows nothing of that, and one with bare BullMQ and its telemetry.
import { startTelemetry } from '@kpay/runtime/telemetry';

await startTelemetry('a-service', process.env);
const { trace } = await import('@opentelemetry/api');
const { createProducer } = await import('@kpay/producer');
const { stopTelemetry } = await import('@kpay/runtime');
const { Queue } = await import('bullmq');
const { BullMQOtel } = await import('bullmq-otel');

const url = new URL(process.env.REDIS_URL ?? '');
const connection = { host: url.hostname, port: Number(url.port), db: Number(url.pathname.slice(1)) };
const telemetry = new BullMQOtel({ tracerName: 'a-service' });
const request = { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

await trace.getTracer('a-service').startActiveSpan('pay out', async (span) => {
  const producer = createProducer({ account: 'default', connection: url.href });
  const ours = await producer.enqueue({ ...request, externalId: 'by-our-producer' });
  const queue = new Queue('kpay-transfers-default', { connection, prefix: '{kpay-default}', telemetry });
  await queue.add('transfer', { ...request, externalId: 'by-bare-bullmq' });
  await ours.finished();
  await queue.close();
  await producer.close();
  span.end();
});
await stopTelemetry();
