export { type AccountEntry, accountsFileSchema } from './accounts-file.ts';
export { isHostAllowed, WRONG_HOST } from './allowed-host.ts';
export { type CurrentTrace, currentTrace, currentTraceId } from './current-trace.ts';
export { createKysely, type Database, IdleTransaction, SecondClient } from './database.ts';
export { FolderInUse } from './folder-lock.ts';
export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
export { createMetricsRegistry } from './metrics-registry.ts';
export type { OidcSettings } from './oidc-settings.ts';
export {
  type EmbeddedDatabase,
  type EmbeddedOptions,
  hasEmbeddedDatabase,
  openEmbeddedDatabase,
} from './open-embedded-database.ts';
export { openPostgres, type PostgresOptions } from './open-postgres.ts';
export { type FoundQueue, openQueues, type QueueStore, type Queues } from './open-queues.ts';
export { openRedis, type RedisRole, redisServers } from './open-redis.ts';
export { type AccountSettings, readSettings, type Settings, type Stores, secretsOf } from './read-settings.ts';
export { type MetricsFormat, renderMetrics } from './render-metrics.ts';
export { repeat } from './repeat.ts';
export { type ProductionProcess, runProcess } from './run-process.ts';
export { type ServeMetricsOptions, serveMetrics } from './serve-metrics.ts';
export { type Environment, SettingsError } from './setting-values.ts';
export { createShutdown, onSignals, type Shutdown } from './shutdown.ts';
export { reasonOf, StartError } from './start-error.ts';
export {
  createHttpServer,
  type HttpHandler,
  healthRoutes,
  type ListeningServer,
  type ListenOptions,
  listen,
  sendText,
  startHttp,
} from './start-http.ts';
export { stopTelemetry } from './telemetry/start-telemetry.ts';
export { traceJob } from './telemetry/trace-job.ts';
export { tellProxy } from './tell-proxy.ts';
export { createTracedHistogram, type TracedHistogram } from './traced-histogram.ts';
export { type CallWatcher, createCallWatchers } from './watch-calls.ts';
export { type KeyWatchOptions, watchKeys } from './watch-keys.ts';
export { readWebConfig, type WebConfig } from './web-config.ts';
