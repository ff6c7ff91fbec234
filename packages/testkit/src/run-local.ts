import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from './eventually.ts';
import type { OwnServer } from './own-server.ts';

const START_TIMEOUT_MS = 15_000;

/** The path of the first of these programs that is on PATH or in one of `folders`. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const places = [...(process.env.PATH ?? '').split(delimiter), ...folders];
  return names.flatMap((name) => places.map((place) => join(place, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface LocalOptions {
  command: readonly string[];
  /** Arguments of setpriv, to run it as another user. */
  privileges?: readonly string[];
  /** Added to this process's environment. */
  env?: Readonly<Record<string, string>>;
  port: number;
  url: string;
  /** The signal for an orderly end. */
  stopSignal: NodeJS.Signals;
  removeData(): void;
  /** The text that it writes when it accepts connections. */
  readyText: string;
}

/** Runs a server in the foreground until it is ready, and ends it with this process. */
export async function runLocal(options: LocalOptions): Promise<OwnServer> {
  const start = () =>
    runUntilReady(options).catch((error: unknown) => {
      options.removeData();
      throw error;
    });
  let running = await start();
  return {
    url: options.url,
    port: options.port,
    get pid() {
      return running.child.pid ?? 0;
    },
    pause: async () => void running.child.kill('SIGSTOP'),
    resume: async () => void running.child.kill('SIGCONT'),
    restart: async () => {
      await running.end(options.stopSignal);
      running = await start();
    },
    kill: () => running.end('SIGKILL'),
    stop: async () => {
      await running.end(options.stopSignal);
      options.removeData();
    },
  };
}

interface RunningServer {
  child: ChildProcess;
  end(signal: NodeJS.Signals): Promise<void>;
}

async function runUntilReady({ command, privileges, env, readyText }: LocalOptions): Promise<RunningServer> {
  // On Linux the kernel ends the server even when this process is killed.
  const setpriv = findProgram(['setpriv']);
  const tied = ['--pdeathsig=KILL', ...(privileges ?? [])];
  const [program = '', ...args] = setpriv === undefined ? command : [setpriv, ...tied, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  // A program that cannot be started has no pid; the wait below notices that.
  child.on('error', () => forget(child));
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)));
  killWithUs(child);

  const end = async (signal: NodeJS.Signals) => {
    if (hasEnded(child)) return;
    child.kill('SIGCONT');
    child.kill(signal);
    await once(child, 'exit');
  };
  try {
    await eventually(
      () => {
        if (hasEnded(child)) return;
        if (!output.join('').includes(readyText)) throw new Error(`it never wrote "${readyText}"`);
      },
      { timeoutMs: START_TIMEOUT_MS },
    );
    if (hasEnded(child)) throw new Error('it ended at once');
  } catch (error) {
    await end('SIGKILL');
    throw new Error(`${command.join(' ')} did not start: ${output.join('').slice(-2_000)}`, { cause: error });
  }
  return { child, end };
}

const children = new Set<ChildProcess>();

/** One listener for all children, because Node reports more than ten as a leak. */
function killWithUs(child: ChildProcess): void {
  if (children.size === 0) process.once('exit', killAll);
  children.add(child.once('exit', () => forget(child)));
}

function forget(child: ChildProcess): void {
  children.delete(child);
  if (children.size === 0) process.off('exit', killAll);
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
