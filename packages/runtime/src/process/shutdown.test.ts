import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@kpay/testkit';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createShutdown } from './shutdown.ts';

function capture() {
  const lines: string[] = [];
  return { lines, logger: pino({}, { write: (line: string) => void lines.push(line) }) };
}

it('what was opened last is released first, each once, however often it is run', async () => {
  const { lines, logger } = capture();
  const shutdown = createShutdown({ logger, deadlineMs: 1_000 });
  const order: string[] = [];
  for (const name of ['database', 'queues', 'server']) {
    shutdown.push(name, async () => {
      await new Promise(setImmediate);
      order.push(name);
    });
  }
  await Promise.all([shutdown.run(), shutdown.run()]);
  await shutdown.run();
  expect(order).toEqual(['server', 'queues', 'database']);
  expect(lines).toEqual([]);
});

it('logs a release that throws, rejects or never ends, and runs the others', async () => {
  const { lines, logger } = capture();
  const shutdown = createShutdown({ logger, deadlineMs: 20 });
  let released = false;
  shutdown.push('first', () => {
    released = true;
  });
  shutdown.push('throws', () => {
    throw new Error('thrown');
  });
  shutdown.push('rejects', () => Promise.reject(new Error('rejected')));
  shutdown.push('hangs', () => new Promise(() => {}));
  await shutdown.run();
  expect(released).toBe(true);
  expect(lines.map((line) => (JSON.parse(line) as { released: string; msg: string }).released)).toEqual([
    'hangs',
    'rejects',
    'throws',
  ]);
});

it('ends all within their bound; what is left is told to close and not waited for', async () => {
  const { logger } = capture();
  const shutdown = createShutdown({ logger, deadlineMs: 60_000, withinMs: 50 });
  const told: string[] = [];
  for (const name of ['redis', 'accounts', 'worker']) {
    shutdown.push(name, () => {
      told.push(name);
      return new Promise(() => {});
    });
  }
  const startedMs = performance.now();
  await shutdown.run();
  expect(told).toEqual(['worker', 'accounts', 'redis']);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

it('the first signal asks, the second ends at once with the code of the signal', async () => {
  const script = join(import.meta.dirname, '../../test/wait-for-signals.ts');
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 }) as [NodeJS.Signals, number][]) {
    const child = spawn(process.execPath, ['--conditions=@kpay/source', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    await eventually(() => expect(text).toBe('ready\n'), { timeoutMs: 15_000 });
    child.kill('SIGTERM');
    await eventually(() => expect(text).toBe('ready\nasked by SIGTERM\n'));
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([code, null]);
  }
});
