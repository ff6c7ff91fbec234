export { embeddedDataFolder, emptyDatabaseDump } from './empty-database.ts';
export { eventually } from './eventually.ts';
export { freePort } from './free-port.ts';
export { keepLog, rememberSecret, searchLogs } from './kept-logs.ts';
export { localPostgres } from './local-postgres.ts';
export { localRedis } from './local-redis.ts';
export { type LocalRedisCluster, localRedisCluster } from './local-redis-cluster.ts';
export { findProgram, type LocalServer, type StartOptions, startServer, type Unavailable, unavailable } from './local-server.ts';
export { machineEnv } from './machine-env.ts';
export { seededRandom } from './seeded-random.ts';
export { createTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.ts';
export { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';
export {
  createTestDatabase,
  emptyTestRedis,
  startTestServers,
  type TestDatabase,
  type TestServers,
  testServerUrls,
} from './test-servers.ts';
