export { createKysely, type Database, IdleTransaction, SecondClient } from './database/database.ts';
export { FolderInUse } from './database/embedded/folder-lock.ts';
export {
  type EmbeddedDatabase,
  type EmbeddedOptions,
  hasEmbeddedDatabase,
  openEmbeddedDatabase,
} from './database/embedded/open-embedded-database.ts';
export { openPostgres, type PostgresOptions } from './database/open-postgres.ts';
export { isHostAllowed, WRONG_HOST } from './http/allowed-host.ts';
export {
  createHttpServer,
  type HttpHandler,
  healthRoutes,
  type ListeningServer,
  type ListenOptions,
  listen,
  notListening,
  sendText,
  startHttp,
} from './http/start-http.ts';
export { warnAboutProxy } from './http/warn-about-proxy.ts';
export { doubtIn } from './json-in-doubt.ts';
export { type CurrentTrace, currentTrace, currentTraceId } from './logging/current-trace.ts';
export { createLogger, type Logger, type LoggerOptions } from './logging/logger.ts';
export { createMetricsRegistry } from './metrics/metrics-registry.ts';
export { type MetricsFormat, renderMetrics } from './metrics/render-metrics.ts';
export { type ServeMetricsOptions, serveMetrics } from './metrics/serve-metrics.ts';
export { createTracedHistogram, type TracedHistogram } from './metrics/traced-histogram.ts';
export { type CallWatcher, createCallWatchers } from './metrics/watch-calls.ts';
export { repeat } from './process/repeat.ts';
export { createShutdown, onSignals, type Shutdown } from './process/shutdown.ts';
export { type FoundQueue, openQueues, type QueueStore, type Queues } from './queues/open-queues.ts';
export { openRedis, type RedisRole, redisServers } from './redis/open-redis.ts';
export { type AccountEntry, accountsFileSchema } from './settings/accounts-file.ts';
export type { OidcSettings } from './settings/oidc-settings.ts';
export { type AccountSettings, readSettings, type Settings, type Stores, secretsOf } from './settings/read-settings.ts';
export { type Environment, SettingsError } from './settings/setting-values.ts';
export { type KeyWatchOptions, watchKeys } from './settings/watch-keys.ts';
export { readWebConfig, type WebConfig } from './settings/web-config.ts';
export { reasonOf, StartError } from './start-error.ts';
export { stopTelemetry } from './telemetry/start-telemetry.ts';
export { traceJob } from './telemetry/trace-job.ts';
