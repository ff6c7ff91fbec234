import { startTelemetry } from '@kpay/runtime/telemetry';

// Must come first: a module that is imported earlier is not traced.
await startTelemetry('kpay-admin-api', process.env);
const { runAdminApi } = await import('./run-admin-api.ts');
await runAdminApi(process.env);
