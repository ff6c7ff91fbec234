import { type Simulator, simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allCases } from '../src/all-cases.ts';
import { alignColumns } from '../src/report.ts';
import { type CaseResult, type RunOptions, runCases } from '../src/run-cases.ts';
import { caseFaults } from './case-faults.ts';
import { type CaseFault, createFaultyKpay } from './faulty-kpay.ts';

const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
const limitCases = allCases.filter((each) => each.exhaustsLimit).map(({ name }) => name);

function namesOf(results: readonly CaseResult[], result: string): string[] {
  return results.filter(({ verdict }) => verdict.kind === result).map(({ case: each }) => each.name);
}

/** Everything except the limit, as fast as possible. */
const unlimited: RunRequest = { moveMoney: true, requestsPerMinute: Number.POSITIVE_INFINITY };
/** A minute in a second, so that the limit can be used up. */
const timeScale = 60;
const withLimit: RunRequest = { moveMoney: true, exhaustLimit: true, requestsPerMinute: 55 * timeScale };

type RunRequest = Omit<RunOptions, 'keys' | 'baseUrl'>;

async function runWithFault(simulator: Simulator, options: RunRequest, name: string, fault: CaseFault): Promise<CaseResult[]> {
  const faulty = await createFaultyKpay(simulator, fault);
  const baseUrlOf = (each: string) => (each === name ? faulty.url : simulator.url);
  try {
    return await runCases(allCases, { keys, baseUrl: simulator.url, ...options, baseUrlOf });
  } finally {
    await faulty.close();
    simulator.control.clearFaults();
  }
}

/** On a separate simulator, because a run that used up the limit leaves nothing for the next. */
async function onFreshSimulator<T>(use: (simulator: Simulator) => Promise<T>): Promise<T> {
  const simulator = await startSimulator({ timeScale });
  try {
    return await use(simulator);
  } finally {
    await simulator.close();
  }
}

describe('against the simulator', () => {
  const table: string[][] = [['case', 'fault', 'result', 'seen', 'others broken']];
  let simulator: Simulator;
  let held: string[];

  beforeAll(async () => {
    simulator = await startSimulator({ limit: 1_000_000, keptRequests: 100 });
    held = namesOf(await onFreshSimulator(({ url }) => runCases(allCases, { keys, baseUrl: url, ...withLimit })), 'held');
  });

  afterAll(async () => {
    process.stdout.write(`\n${alignColumns(table)}\n`);
    await simulator.close();
  });

  it('every case that can be tried holds, and each of them has its fault', () => {
    expect(held.toSorted()).toEqual(Object.keys(caseFaults).toSorted());
  });

  it.each(Object.entries(caseFaults))('%s breaks by its fault, and nothing else does', async (name, fault) => {
    const usesLimit = limitCases.includes(name);
    const results = await (usesLimit
      ? onFreshSimulator((fresh) => runWithFault(fresh, withLimit, name, fault))
      : runWithFault(simulator, unlimited, name, fault));
    const broken = namesOf(results, 'broken');
    const verdict = results.find(({ case: each }) => each.name === name)?.verdict;
    const seen = verdict && verdict.kind !== 'not tried' ? verdict.seen : '';
    table.push([name, fault.what, verdict?.kind ?? '', seen, broken.filter((each) => each !== name).join(', ') || 'none']);
    expect(broken).toEqual([name]);
    expect(namesOf(results, 'held').toSorted()).toEqual(
      held.filter((each) => each !== name && (usesLimit || !limitCases.includes(each))).toSorted(),
    );
  });
});
