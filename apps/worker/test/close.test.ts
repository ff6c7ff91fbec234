import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('./start-and-close.ts', import.meta.url));
const ENDS_WITHIN_MS = 2_000;

it('a worker that was closed keeps nothing open: its process ends by itself', async () => {
  const child = spawn(process.execPath, ['--conditions=@kpay/source', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [said] = await once(child.stdout, 'data');
  const closedMs = performance.now();
  expect(String(said)).toBe('closed\n');
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - closedMs).toBeLessThan(ENDS_WITHIN_MS);
}, 60_000);
