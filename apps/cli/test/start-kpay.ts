import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { eventually, keepLog, machineEnv, rememberSecret } from '@kpay/testkit';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The bootstrap token of the processes that tests start. */
export const adminToken = rememberSecret('kpay-admin-of-the-tests-0123456789');

// A busy machine may take this long; a quiet one takes two seconds.
const START_TIMEOUT_MS = 30_000;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One process of `kpay`. */
export interface KpayProcess {
  stdout(): string;
  stderr(): string;
  ended: Promise<Ended>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

/** A running process, with the addresses that it printed. */
export interface RunningKpay extends KpayProcess {
  apiUrl: string;
  exporterUrl: string;
  workerUrl: string;
  /** Undefined when the process has keys. */
  simulatorUrl: string | undefined;
}

/** The settings of a process that uses the test's own simulator. */
export function settingsFor(simulator: Pick<Simulator, 'url'>, dataDir: string): Record<string, string> {
  return {
    KPAY_DATA_DIR: dataDir,
    KPAY_BASE_URL: simulator.url,
    KPAY_API_KEY: simulatorApiKey,
    KPAY_SECRET_KEY: rememberSecret(simulatorSecretKey),
  };
}

/**
 * Runs `kpay <args>` with these settings and no others, until the test is over; every port is a free one unless given.
 */
export function runKpay(args: readonly string[], settings: Record<string, string>): KpayProcess {
  const ports = { ADMIN_API_PORT: '0', EXPORTER_PORT: '0', WORKER_PORT: '0', SIMULATOR_PORT: '0' };
  const child = spawn(process.execPath, ['--conditions=@kpay/source', MAIN, ...args], {
    env: { ...machineEnv(), KPAY_ADMIN_TOKEN: adminToken, ...ports, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  // A test that fails leaves it running otherwise: vitest ends its own processes without a word to their children.
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    stdout: collect(child.stdout),
    stderr: collect(child.stderr, keepLog('kpay')),
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Starts `kpay up` and waits until it is. */
export async function startKpay(settings: Record<string, string>): Promise<RunningKpay> {
  const kpay = runKpay(['up'], settings);
  let ended = false;
  void kpay.ended.then(() => {
    ended = true;
  });
  await eventually(
    () => {
      if (!ended && !kpay.stdout().includes('Ctrl-C stops it')) throw new Error(`kpay is not up: ${kpay.stderr()}`);
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
  if (ended) throw new Error(`kpay ended instead of starting: ${kpay.stdout()}${kpay.stderr()}`);
  const urls = kpay.stdout().match(/http:\/\/127\.0\.0\.1:\d+(?=\/(v1|metrics))/g) ?? [];
  const [apiUrl = '', exporterUrl = '', workerUrl = ''] = urls;
  const [, simulatorUrl] = /(http:\/\/127\.0\.0\.1:\d+)\/__sim/.exec(kpay.stdout()) ?? [];
  return { ...kpay, apiUrl, exporterUrl, workerUrl, simulatorUrl };
}

function collect(stream: ChildProcess['stdout'], kept?: { write(text: string): void }): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    kept?.write(chunk);
  });
  return () => text;
}
