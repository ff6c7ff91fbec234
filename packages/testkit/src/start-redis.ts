import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { inContainers, type OwnServer, type Unavailable, unavailable } from './own-server.ts';
import { runInContainer } from './run-in-container.ts';
import { findProgram, runLocal } from './run-local.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * Starts an empty Redis or Valkey that writes nothing to disk. Arguments of redis-server in `more` overrule ours:
 * `--appendonly yes` keeps its data over a restart. `env` is for local binaries.
 */
export async function startRedis(
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<OwnServer | Unavailable> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
  if (inContainers()) {
    return runInContainer({
      image: process.env.KPAY_TEST_REDIS_IMAGE ?? 'redis:7',
      command: [...settings, ...more],
      port,
      url,
      ask: () => greet(port),
    });
  }
  const program = findProgram(['redis-server', 'valkey-server']);
  if (program === undefined) return unavailable('there is no redis-server or valkey-server on PATH');
  const folder = temporaryFolder();
  return runLocal({
    command: [program, '--dir', folder.path, ...settings, ...more],
    env,
    port,
    url,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'Ready to accept connections',
  });
}

/** Checks that the server answers. A demand for a password is an answer, too. */
async function greet(port: number): Promise<void> {
  const redis = new Redis({ port, retryStrategy: null, enableReadyCheck: false, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  try {
    await redis.ping();
  } catch (error) {
    if (!String(error).includes('NOAUTH')) throw error;
  } finally {
    redis.disconnect();
  }
}
