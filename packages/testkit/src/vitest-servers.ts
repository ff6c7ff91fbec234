import { emptyDatabase } from './empty-database.ts';
import { startTestServers } from './test-servers.ts';

const KINDS = ['servers', 'containers', 'local'] as const;

/**
 * vitest's global setup. With KPAY_TEST_STORES set, it starts the run's servers once, passes their addresses to the
 * tests, and fails the run if it leaves a connection or a database behind. Without it, tests run embedded. `servers`
 * uses what is available and reports what is missing, which KPAY_TEST_STRICT=1 makes a failure. The other kinds require
 * their servers.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // Done here, because on a busy machine it takes longer than a test's hook may.
  await emptyDatabase();
  const wanted = process.env.KPAY_TEST_STORES;
  if (wanted === undefined || wanted === 'embedded') return undefined;
  const kind = KINDS.find((each) => each === wanted);
  if (!kind) throw new Error(`KPAY_TEST_STORES must be embedded, ${KINDS.join(', ')}`);
  const servers = await startTestServers(kind);
  if ('unavailable' in servers) {
    if (kind !== 'servers') throw new Error(`KPAY_TEST_STORES=${wanted}, but ${servers.unavailable}`);
    // Strict runs have thrown already.
    process.stderr.write(`No servers (${servers.unavailable}): suites run embedded, and those that need servers are skipped.\n`);
    return undefined;
  }
  // For servers that a suite starts itself: they use this machine's network, which a Docker engine has on Linux only.
  if (kind === 'servers' && process.platform === 'linux') process.env.KPAY_TEST_STORES = servers.kind;
  process.env.KPAY_TEST_POSTGRES_URL = servers.postgresUrl;
  process.env.KPAY_TEST_REDIS_URL = servers.redisUrl;
  return async () => {
    const leaks = await servers.findLeaks();
    await servers.stop();
    if (leaks.length > 0) throw new Error(`the tests leaked:\n${leaks.join('\n')}`);
  };
}
