import { startTelemetry } from '@kpay/runtime/telemetry';

// First: what is imported before it is not traced.
await startTelemetry('kpay-worker', process.env);
const { runWorker } = await import('./run-worker.ts');
await runWorker(process.env);
