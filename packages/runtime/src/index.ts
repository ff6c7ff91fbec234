export { createKysely, type Database, IdleTransaction, SecondClient } from './database.ts';
export { FolderInUse } from './folder-lock.ts';
export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
export { type EmbeddedDatabase, type EmbeddedOptions, openEmbeddedDatabase } from './open-embedded-database.ts';
export { openQueues, type QueueStore, type Queues } from './open-queues.ts';
export { openRedis, type RedisRole } from './open-redis.ts';
export { createShutdown, onSignals, type Shutdown } from './shutdown.ts';
export { StartError } from './start-error.ts';
export {
  type HttpHandler,
  healthRoutes,
  type ListeningServer,
  type ListenOptions,
  listen,
  sendText,
  startHttp,
} from './start-http.ts';
