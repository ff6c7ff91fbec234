export { embeddedDataFolder, emptyDatabaseDump } from './empty-database.ts';
export { eventually } from './eventually.ts';
export { freePort } from './free-port.ts';
export { keepLog, rememberSecret, searchLogs } from './kept-logs.ts';
export { machineEnv } from './machine-env.ts';
export { createMovedClock, type MovedClock } from './moved-clock.ts';
export { type OwnServer, type Unavailable, unavailable } from './own-server.ts';
export { findProgram, runLocal } from './run-local.ts';
export { seededRandom } from './seeded-random.ts';
export { type Browser, startBrowser } from './start-browser.ts';
export { startNginx } from './start-nginx.ts';
export { startPostgres } from './start-postgres.ts';
export { startRedis } from './start-redis.ts';
export { startRedisCluster } from './start-redis-cluster.ts';
export { createTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';
export {
  createTestDatabase,
  emptyTestRedis,
  type TestDatabase,
  testServerUrls,
} from './test-servers.ts';
