import { startTelemetry } from '@kpay/runtime/telemetry';

// Must come first: a module that is imported earlier is not traced.
await startTelemetry('kpay-exporter', process.env);
const { runExporter } = await import('./run-exporter.ts');
await runExporter(process.env);
