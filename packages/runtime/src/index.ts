export type { Database } from './database/database.ts';
export { FolderInUse } from './database/embedded/folder-lock.ts';
export {
  type EmbeddedDatabase,
  hasEmbeddedDatabase,
  openEmbeddedDatabase,
} from './database/embedded/open-embedded-database.ts';
export { openPostgres } from './database/open-postgres.ts';
export { isHostAllowed, WRONG_HOST } from './http/allowed-host.ts';
export {
  createHttpServer,
  healthRoutes,
  listen,
  notListening,
  sendText,
  startHttp,
} from './http/start-http.ts';
export { doubtIn } from './json-in-doubt.ts';
export { currentTraceId } from './logging/current-trace.ts';
export { createLogger, type Logger } from './logging/logger.ts';
export { createMetricsRegistry } from './metrics/metrics-registry.ts';
export { type MetricsFormat, renderMetrics } from './metrics/render-metrics.ts';
export { serveMetrics } from './metrics/serve-metrics.ts';
export { createTracedHistogram } from './metrics/traced-histogram.ts';
export { createCallWatchers } from './metrics/watch-calls.ts';
export { repeat } from './process/repeat.ts';
export { createShutdown, onSignals, type Shutdown } from './process/shutdown.ts';
export { openQueues, type QueueStore, type Queues } from './queues/open-queues.ts';
export { openRedis, redisServers } from './redis/open-redis.ts';
export type { OidcSettings } from './settings/oidc-settings.ts';
export { type AccountSettings, readSettings, type Settings, type Stores, secretsOf } from './settings/read-settings.ts';
export { watchKeys } from './settings/watch-keys.ts';
export { readWebConfig, type WebConfig } from './settings/web-config.ts';
export { reasonOf, StartError } from './start-error.ts';
export { stopTelemetry } from './telemetry/start-telemetry.ts';
export { traceJob } from './telemetry/trace-job.ts';
