import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One process of a run. */
export interface App {
  pid: number;
  /** Its output so far. */
  output(): string;
  stop(): Promise<void>;
}

export interface AppOptions {
  /** The path of the program, relative to this file. */
  main: string;
  env: Readonly<Record<string, string>>;
  /** The text that it writes when it is ready. */
  ready: string;
  nodeArguments?: readonly string[];
  /** The words after the program. */
  words?: readonly string[];
}

const STARTS_WITHIN_MS = 120_000;
const KEPT_OUTPUT = 20_000;

/** Starts a program of this repository from its sources, in a separate process, and waits until it is ready. */
export async function startApp({ main, env, ready, nodeArguments = [], words = [] }: AppOptions): Promise<App> {
  const path = fileURLToPath(new URL(main, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@kpay/source', ...nodeArguments, path, ...words], {
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  let output = '';
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output = (output + String(text)).slice(-KEPT_OUTPUT);
      if (output.includes(ready)) started.resolve();
    });
  }
  child.on('error', started.reject);
  child.on('exit', () => started.reject(new Error(`${main} ended: ${output}`)));
  const late = setTimeout(() => started.reject(new Error(`${main} is not ready: ${output}`)), STARTS_WITHIN_MS);
  await started.promise.finally(() => clearTimeout(late));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end(child),
  };
}

const children = new Set<ChildProcess>();

/** One listener for all children, because Node reports more than ten as a leak. */
function endWithUs(child: ChildProcess): void {
  if (children.size === 0) process.once('exit', endAll);
  children.add(child.once('exit', () => forget(child)));
}

function forget(child: ChildProcess): void {
  children.delete(child);
  if (children.size === 0) process.off('exit', endAll);
}

function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(kill);
}
