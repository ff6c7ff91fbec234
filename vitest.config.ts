import { defineConfig } from 'vitest/config';

// Workspace packages are tested from their sources: no build is needed, and none can be stale.
const conditions = ['@kpay/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['apps/*/{src,test}/**/*.test.ts', 'packages/*/{src,test}/**/*.test.ts'],
    // Starts Postgres and Redis once when KPAY_TEST_STORES asks for them.
    globalSetup: 'packages/testkit/src/vitest-servers.ts',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    env: { NODE_OPTIONS: '--conditions=@kpay/source' },
  },
});
