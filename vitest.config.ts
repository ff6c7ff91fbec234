import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Workspace packages are tested from their sources: no build is needed, and none can be stale.
// Suites that need servers (*.servers.test.ts) run where KPAY_TEST_STORES gives them some: npm run test:local, test:containers.
const withServers = (process.env.KPAY_TEST_STORES ?? 'embedded') !== 'embedded';
// Minutes of chaos, on servers of its own, run where they are asked for: npm run chaos, and CI.
const withChaos = process.env.KPAY_CHAOS_TRANSFERS !== undefined;
const withFailovers = process.env.KPAY_FAILOVERS !== undefined;
// A Prometheus and an Alertmanager that watch a whole system: npm run test:alerts.
const withAlerts = process.env.KPAY_TEST_ALERTS !== undefined;
// Each test of these starts a whole kpay: npm run test:processes, and CI. Without them npm test ends within minutes.
const withProcesses = process.env.KPAY_TEST_PROCESSES !== undefined;
const excluded = [
  ...(withProcesses ? [] : ['**/*.processes.test.ts']),
  ...(withAlerts ? [] : ['**/alerts.test.ts']),
  ...(withChaos ? [] : ['**/chaos.servers.test.ts']),
  ...(withFailovers ? [] : ['**/failover.servers.test.ts']),
  ...(withServers || withChaos || withFailovers ? [] : ['**/*.servers.test.ts']),
];

// These take longest. Begun last, one of them would run alone at the end.
const first = [/\/simulation\.test/, /\/holding\.servers\./, /\/production-kill\./, /\/outage\./];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (first.some((pattern) => pattern.test(moduleId)) ? 0 : 1);
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

const conditions = ['@kpay/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: [
      'apps/*/{src,test}/**/*.test.ts',
      'packages/*/{src,test}/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'scripts/*.test.ts',
    ],
    exclude: [...configDefaults.exclude, ...excluded],
    // Starts Postgres and Redis once when KPAY_TEST_STORES asks for them; searches what apps logged when all is over.
    globalSetup: ['packages/testkit/src/vitest-logs.ts', 'packages/testkit/src/vitest-servers.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // Of the embedded suites many wait more than they compute; those with servers and processes fill two cores with two.
    maxWorkers: withServers || withChaos || withFailovers || withAlerts || withProcesses ? 2 : 3,
    env: { NODE_OPTIONS: '--conditions=@kpay/source' },
  },
});
