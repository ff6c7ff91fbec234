import { startTelemetry } from '@kpay/runtime/telemetry';

// Must come first: a module that is imported earlier is not traced.
await startTelemetry('kpay-worker', process.env);
const { runWorker } = await import('./run-worker.ts');
await runWorker(process.env);
