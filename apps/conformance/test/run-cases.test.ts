import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Simulator, simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { allCases } from '../src/all-cases.ts';
import { outcomeOf, reads, show } from '../src/case.ts';
import { type RunOptions, runCases } from '../src/run-cases.ts';

const testKeys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
const liveKeys = { apiKey: 'kpay_live_conformance', secretKey: 'live-secret' };
const moneyCases = allCases.filter(({ movesMoney }) => movesMoney);

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ limit: 1_000_000, applications: [liveKeys] });
});
beforeEach(() => simulator.control.reset());
afterAll(() => simulator.close());

function run(options: Partial<RunOptions>, cases = allCases) {
  const baseUrl = simulator.url;
  return runCases(cases, { keys: testKeys, baseUrl, requestsPerMinute: Number.POSITIVE_INFINITY, ...options });
}

it('names of cases are unique', () => {
  expect(new Set(allCases.map(({ name }) => name)).size).toBe(allCases.length);
});

it.each<[string, Partial<RunOptions>, number]>([
  ['test keys alone', {}, 0],
  ['live money without money', { keys: liveKeys, liveMoney: true }, 0],
  ['live keys without live money', { keys: liveKeys, moveMoney: true }, 0],
  ['keys of neither kind', { keys: { apiKey: 'other', secretKey: 'other' }, moveMoney: true }, 0],
  ['test keys and money', { moveMoney: true }, moneyCases.length],
  ['live keys and live money', { keys: liveKeys, moveMoney: true, liveMoney: true }, moneyCases.length],
])('with %s, cases that move money are tried only when that was asked for', async (_, options, tried) => {
  const results = await run(options, moneyCases);
  expect(results.filter(({ verdict }) => verdict.kind !== 'not tried')).toHaveLength(tried);
  expect(simulator.control.truth().transferCount > 0).toBe(tried > 0);
});

it('without --exhaust-limit the limit is left alone', async () => {
  const results = await run({});
  const limits = results.filter((result) => result.case.exhaustsLimit);
  expect(limits.map(({ verdict }) => verdict.kind)).toEqual(['not tried', 'not tried']);
});

it('requests are spread evenly over the minute', async () => {
  const started = performance.now();
  await run(
    { requestsPerMinute: 60 * 50 },
    allCases.filter(({ name }) => name.startsWith('me.')),
  );
  // Six requests, 20 ms apart.
  expect(performance.now() - started).toBeGreaterThanOrEqual(99);
});

it('a run that takes too long ends, and says so', async () => {
  const results = await run({ timeLimitMs: 0 });
  expect(results.map(({ verdict }) => verdict.kind)).toEqual(allCases.map(() => 'not tried'));
});

it.each([
  ['refuses connections', 'http://127.0.0.1:1'],
  ['answers nothing but 429', undefined],
])('a KPay that %s breaks no fact: nothing is known of them', async (_, address) => {
  const busy = createServer((_request, response) => response.writeHead(429).end('busy')).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => busy.once('listening', resolve));
    const baseUrl = address ?? `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
    const results = await run({ baseUrl, moveMoney: true });
    expect(results.filter(({ verdict }) => verdict.kind !== 'not tried')).toEqual([]);
  } finally {
    busy.close();
  }
});

it('what was seen is hidden before it is cut, so that no half of a secret is left', async () => {
  const long = `${'x'.repeat(110)}${testKeys.secretKey}`;
  const [result] = await run({}, [reads('leak', 'page', 'It is so.', async () => outcomeOf(true, show(long)))]);
  expect(JSON.stringify(result?.verdict)).not.toContain('simul');
});
