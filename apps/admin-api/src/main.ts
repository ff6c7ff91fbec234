import { startTelemetry } from '@kpay/runtime/telemetry';

// First: what is imported before it is not traced.
await startTelemetry('kpay-admin-api', process.env);
const { runAdminApi } = await import('./run-admin-api.ts');
await runAdminApi(process.env);
