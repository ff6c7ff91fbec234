import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machineEnv } from '@kpay/testkit';
import { describe, expect, it } from 'vitest';
import { run } from '../src/framework/run.ts';
import { storeCommands } from '../src/generated/store-commands.ts';
import { captureStreams } from './captured-io.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const MAX_MODULES = 12;

// Writes the address of each module that is loaded to standard error.
const RECORD = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { writeSync(2, url + '\\n'); return next(url, context); } });
`)}`;

/** The modules of ours that a command line loads, and of others'. */
function loadedBy(words: readonly string[]): { ours: string[]; others: string[] } {
  const node = ['--conditions=@kpay/source', '--import', RECORD, MAIN, ...words];
  const { status, stderr } = spawnSync(process.execPath, node, { env: machineEnv(), encoding: 'utf8' });
  expect(status).toBe(0);
  const urls = stderr.split('\n').filter((line) => line.startsWith('file:'));
  const isOurs = (url: string) => url.includes('/apps/cli/src/');
  return { ours: urls.filter(isOurs), others: urls.filter((url) => !isOurs(url)) };
}

describe('kpay', () => {
  it.each(['--help', '--version'])('loads a few modules of its own and none of others for %s', (word) => {
    const { ours, others } = loadedBy([word]);
    expect(others).toEqual([]);
    expect(ours.length).toBeLessThanOrEqual(MAX_MODULES);
  });
});

describe('kpay restore settle', () => {
  it('holds a reason against the same rule as the API', async () => {
    const captured = captureStreams();
    const words = ['restore', 'settle', '--as', 'happened', '--reason', 'seen\u001b[2J'];
    const code = await run({ words, commands: storeCommands, env: {}, streams: captured.streams });
    expect(code).toBe(2);
    expect(captured.stderr()).toContain('--reason must not contain U+001B: control and invisible characters are refused');
  });

  it.each([
    ['--accepted-from', 'yesterday', 'must be an ISO 8601 time'],
    ['--as', 'perhaps', '--as must be one of happened'],
  ])('refuses %s %s', async (flag, value, why) => {
    const captured = captureStreams();
    const words = ['restore', 'settle', '--as', 'happened', '--reason', 'seen', flag, value];
    expect(await run({ words, commands: storeCommands, env: {}, streams: captured.streams })).toBe(2);
    expect(captured.stderr()).toContain(why);
  });
});
