import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepLog, rememberSecret } from './kept-logs.ts';
import setup from './vitest-logs.ts';

const ofThisRun = process.env.KPAY_TEST_LOGS;
// What it tells of the run is of these small ones here.
beforeEach(() => void vi.spyOn(process.stdout, 'write').mockReturnValue(true));
afterEach(() => {
  vi.restoreAllMocks();
  if (ofThisRun === undefined) delete process.env.KPAY_TEST_LOGS;
  else process.env.KPAY_TEST_LOGS = ofThisRun;
});

const line = (note: string) => `${JSON.stringify({ level: 'warn', note, msg: 'something happened' })}\n`;

it.each([
  ['a signed token', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln'],
  ['a KPay key', 'kpay_test_simulator'],
  ['a KPay secret key', `got ${'0123456789abcdef'.repeat(4)}`],
  ['a stream token', `GET /v1/stream?token=kpst_eyJpZCI6ImFkbWluIn0_${'a'.repeat(43)}`],
  ['a key of the admin API', `kops_0123456789_${'a'.repeat(49)}`],
  ['a credential of a header', 'authorization: Bearer simulator-token'],
  ['a password in an address', 'postgres://kpay:hunter2@db/kpay'],
  ['a phone number', 'to +237 6 53 45 67 89'],
  ['a phone number', '22951345789'],
  ['a secret of the tests', 'it was correct-horse-battery'],
])('a run in whose logs %s stands fails, and says where without repeating it: %s', (what, text) => {
  const endRun = setup();
  rememberSecret('correct-horse-battery');
  const log = keepLog('app');
  log.write(line('nothing'));
  log.write(line(text));
  let told = '';
  try {
    endRun();
  } catch (error) {
    told = String(error);
  }
  expect(told).toMatch(new RegExp(`app-.*\\.log:2 has ${what}, in the message "something happened"`));
  expect(told).not.toContain(text);
});

it('a run whose logs have none passes', () => {
  const endRun = setup();
  keepLog('app').write(
    line('550e8400-e29b-41d4-a716-446655440000 [redacted] [number] Bearer [redacted] kops_0123456789_ 1795489159456'),
  );
  endRun();
});
