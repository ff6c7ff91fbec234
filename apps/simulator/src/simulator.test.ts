import { expect, it, onTestFinished } from 'vitest';
import { connect, openSimulator } from '../test/client.ts';
import { createSimulator, Refusal, type SimulatorOptions, startSimulator } from './index.ts';

it('starts in one line with all that a client needs, on a port of its own', async () => {
  await using simulator = await startSimulator();
  await using other = await startSimulator();
  expect(other.port).not.toBe(simulator.port);
  expect(simulator.baseUrl).toBe(`http://127.0.0.1:${simulator.port}`);
  const client = connect(simulator.baseUrl, simulator.apiKey, simulator.secretKey);
  expect((await client.get('/api/v1/payments/me')).body).toMatchObject({ application: { id: simulator.applicationId } });
  await simulator.close();
  await expect(client.get('/api/v1/payments/me')).rejects.toThrow('fetch failed');
});

it('is what createSimulator gave, whose port is 8090 unless given', async () => {
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(simulator.close);
  expect(simulator.url).toBe(simulator.baseUrl);
});

const wrong: [unknown, string][] = [
  [null, 'input: expected object, received null'],
  ['8090', 'input: expected object, received string'],
  [{ prot: 1 }, 'prot: is not known here'],
  [{ port: '8090' }, 'port: expected number, received string'],
  [{ port: 70_000 }, 'port: Too big: expected number to be <=65535'],
  [{ timeScale: 0 }, 'timeScale: Too small: expected number to be >0'],
  [{ now: 5 }, 'now: expected a function'],
  [{ seed: 1.5 }, 'seed: expected int, received number'],
  [{ applications: {} }, 'applications: expected array, received object'],
  [{ applications: [{ apiKey: 'mine', secretKey: 's' }] }, 'apiKey: expected kpay_test_… or kpay_live_…'],
  [{ applications: [null] }, 'input: expected object, received null'],
  [
    { applications: [{ apiKey: 'kpay_test_a', secretKey: 's', wallets: [{ country: 'GHA', balance: 1 }] }] },
    'country: GHA has no wallets',
  ],
];

it.each(wrong)('refuses the options %j with the field', async (options, message) => {
  const refused = await startSimulator(options as SimulatorOptions).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refusal);
  expect(String(refused)).toContain(message);
});

it.each([
  ['setBalance', undefined, 'input: expected object, received undefined'],
  ['setBalance', { country: 'CMR', balance: 'much' }, 'balance: expected a decimal of at most two places, not negative'],
  ['setRate', { from: 'XAF', to: 'XOF' }, 'rate: expected number, received undefined'],
  ['setRate', { from: 'XAF', to: 'XOF', rate: 1, keep: true }, 'keep: is not known here'],
  ['setAvailability', { country: 'CMR' }, 'provider: expected string'],
  ['setTimeScale', '20', 'timeScale: expected number, received string'],
  ['advanceClock', -1, 'advanceMs: Too small'],
  ['advanceClock', Number.NaN, 'advanceMs: expected number, received NaN'],
  ['setCaching', 'no', 'caching: expected boolean, received string'],
  ['setLimit', { limit: 0 }, 'limit: Too small'],
  ['addApplication', { apiKey: 'kpay_test_a' }, 'secretKey: expected string'],
  ['addFault', {}, 'fault: '],
  ['addFault', { fault: { kind: 'explode' } }, 'fault.kind: must be one of delay, drop, truncate, status, html, answer,'],
  ['addFault', { match: { endpoint: 'payouts' }, fault: { kind: 'hang' } }, 'match.endpoint: Invalid option'],
  ['addFault', { fault: { kind: 'status', status: 200 } }, 'fault.status: Too small'],
  ['removeFault', 7, 'id: no fault has it'],
  ['rotateKeys', { apiKey: 'x', secretKey: 's' }, 'apiKey: expected kpay_test_'],
  ['undoTransfer', { id: 'x', status: 'GONE' }, 'status: Invalid option'],
  ['truth', { request: 1 }, 'request: is not known here'],
] as const)('control.%s refuses %j with the field, and changes nothing', async (operation, input, message) => {
  const { control } = await openSimulator();
  const before = JSON.stringify(control.truth());
  const call = control[operation] as (input: unknown) => unknown;
  expect(() => call(input)).toThrow(Refusal);
  expect(() => call(input)).toThrow(message);
  expect(JSON.stringify(control.truth())).toBe(before);
  expect(control.listFaults()).toEqual([]);
});

it('control.advanceClock lets tokens, windows and caches run out at once', async () => {
  const { client, control } = await openSimulator({ limit: 5 });
  const token = await client.token();
  control.setRate({ from: 'XAF', to: 'XOF', rate: 1.05 });
  const rate = async () => ((await client.get('/api/v1/payments/exchange-rate?from=XAF&to=XOF')).body as { rate: number }).rate;
  expect(await rate()).toBe(1.05);
  control.setRate({ from: 'XAF', to: 'XOF', rate: 1.1, keepCache: true });
  expect(await rate()).toBe(1.05);
  expect((await client.transfer({}, token)).status).toBe(201);
  const startedAt = Date.now();
  const { now } = control.advanceClock(29 * 60_000);
  expect(Date.parse(now) - startedAt).toBeGreaterThanOrEqual(29 * 60_000);
  expect((await client.transfer({}, token)).status).toBe(201);
  control.advanceClock(60_001);
  expect((await client.transfer({}, token)).status).toBe(401);
  expect(await rate()).toBe(1.05);
  control.advanceClock(30 * 60_000);
  expect(await rate()).toBe(1.1);
});
