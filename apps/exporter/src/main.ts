import { startTelemetry } from '@kpay/runtime/telemetry';

// First: what is imported before it is not traced.
await startTelemetry('kpay-exporter', process.env);
const { runExporter } = await import('./run-exporter.ts');
await runExporter(process.env);
