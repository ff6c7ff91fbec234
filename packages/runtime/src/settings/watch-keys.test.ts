import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../logging/logger.ts';
import { type AccountSettings, readSettings } from './read-settings.ts';
import { watchKeys } from './watch-keys.ts';

/** Watches the test's files every few milliseconds. While `refuse` is set, each take fails. */
function watch(files: Record<string, string>, env: (path: (name: string) => string) => NodeJS.ProcessEnv) {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const write = (name: string, text: string) => {
    writeFileSync(path(`${name}.new`), text);
    renameSync(path(`${name}.new`), path(name));
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const settings = env(path);
  const lines: string[] = [];
  const secrets = new Set<string>();
  const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) }, secrets });
  const state = { taken: [] as AccountSettings[], tries: 0, refuse: undefined as Error | undefined };
  const stop = watchKeys({
    env: settings,
    accounts: readSettings(settings).accounts,
    secrets,
    logger,
    everyMs: 5,
    tryAgainMs: 50,
    async take(account) {
      state.tries += 1;
      if (state.refuse) throw state.refuse;
      state.taken.push(account);
    },
  });
  onTestFinished(async () => {
    await stop();
    folder.remove();
  });
  return { state, write, lines, secrets, path };
}

const pair = (path: (name: string) => string) => ({ KPAY_API_KEY_FILE: path('api'), KPAY_SECRET_KEY_FILE: path('secret') });

it('offers changed keys once, with their account, and hides them in logs', async () => {
  const { state, write, lines, secrets } = watch({ api: 'kpay_test_one', secret: 'one' }, pair);
  write('secret', 'a-second-secret');
  await eventually(() => expect(state.taken).toHaveLength(1));
  expect(state.taken[0]).toMatchObject({ name: 'default', apiKey: 'kpay_test_one', secretKey: 'a-second-secret' });
  expect(secrets).toContain('a-second-secret');
  await eventually(() => expect(lines.join('')).toContain('new keys are in use'));
  write('secret', 'a-third-secret');
  await eventually(() => expect(state.taken).toHaveLength(2));
  expect(state.tries).toBe(2);
});

it('reports refused keys once, tries them again, and takes them when they are good', async () => {
  const { state, write, lines } = watch({ api: 'kpay_test_one', secret: 'one' }, pair);
  state.refuse = new Error('not yours: two-of-them');
  write('secret', 'two-of-them');
  await eventually(() => expect(state.tries).toBeGreaterThanOrEqual(3));
  const told = lines.filter((line) => line.includes('new keys are refused'));
  expect(told).toHaveLength(1);
  expect(told[0]).not.toContain('two-of-them');
  state.refuse = undefined;
  await eventually(() => expect(state.taken).toHaveLength(1));
});

it('keys that go back to those in use are no news', async () => {
  const { state, write, lines } = watch({ api: 'kpay_test_one', secret: 'one' }, pair);
  state.refuse = new Error('no');
  write('secret', 'two');
  await eventually(() => expect(state.tries).toBeGreaterThanOrEqual(1));
  write('secret', 'one');
  const before = state.tries;
  write('secret', 'three');
  await eventually(() => expect(state.tries).toBeGreaterThan(before));
  expect(state.taken).toEqual([]);
  expect(lines.filter((line) => line.includes('new keys are in use'))).toEqual([]);
});

it('a file that cannot be read is told of once, and what it holds later is taken', async () => {
  const { state, write, lines } = watch({ api: 'kpay_test_one', secret: 'one' }, pair);
  write('secret', '');
  await eventually(() => expect(lines.join('')).toContain('KPAY_SECRET_KEY_FILE names an empty file'));
  write('secret', 'two');
  await eventually(() => expect(state.taken).toHaveLength(1));
  expect(lines.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
});

it('offers only the changed account of a file, and refuses a live key in a test one', async () => {
  const account = (name: string, apiKey: string) => ({ name, apiKey, secretKey: `secret of ${name}` });
  const file = (...accounts: object[]) => JSON.stringify({ accounts });
  const first = file(account('one', 'kpay_test_1'), account('two', 'kpay_test_2'));
  const { state, write, lines, path } = watch({ accounts: first }, (of) => ({ KPAY_ACCOUNTS_FILE: of('accounts') }));
  expect(readFileSync(path('accounts'), 'utf8')).toBe(first);
  write('accounts', file(account('one', 'kpay_test_1'), account('two', 'kpay_test_3'), account('new', 'kpay_test_4')));
  await eventually(() => expect(state.taken.map(({ name, apiKey }) => [name, apiKey])).toEqual([['two', 'kpay_test_3']]));
  write('accounts', file(account('one', 'kpay_live_1'), account('two', 'kpay_test_3')));
  await eventually(() => expect(lines.join('')).toContain('account one has a live key'));
  expect(state.tries).toBe(1);
});

it('sends no keys of another address to the old one, and tells of accounts once', async () => {
  const account = (name: string, apiKey: string, baseUrl = 'https://one.example') => ({ name, apiKey, secretKey: 's', baseUrl });
  const file = (...accounts: object[]) => JSON.stringify({ accounts });
  const { state, write, lines } = watch(
    { accounts: file(account('one', 'kpay_test_1'), account('two', 'kpay_test_2')) },
    (of) => ({
      KPAY_ACCOUNTS_FILE: of('accounts'),
    }),
  );
  write('accounts', file(account('one', 'kpay_test_9', 'https://elsewhere.example'), account('new', 'kpay_test_4')));
  const told = () => lines.filter((line) => line.includes('restart to take that over'));
  await eventually(() => expect(told()).toHaveLength(1));
  expect(JSON.parse(told()[0] ?? '')).toMatchObject({ added: ['new'], removed: ['two'], moved: ['one'] });
  write('accounts', file(account('one', 'kpay_test_8'), account('two', 'kpay_test_2')));
  await eventually(() => expect(state.taken).toHaveLength(1));
  expect(state.taken[0]).toMatchObject({ apiKey: 'kpay_test_8', baseUrl: 'https://one.example' });
  expect(told()).toHaveLength(1);
});
