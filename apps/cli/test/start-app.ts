import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, freePort, keepLog, machineEnv } from '@kpay/testkit';
import { adminToken } from './start-kpay.ts';

export type AppName = 'worker' | 'admin-api' | 'exporter';

const PORTS: Readonly<Record<AppName, string>> = {
  worker: 'WORKER_PORT',
  'admin-api': 'ADMIN_API_PORT',
  exporter: 'EXPORTER_PORT',
};
const START_TIMEOUT_MS = 90_000;

export interface AppProcess {
  url: string;
  pid: number;
  stderr(): string;
  /** The exit code, or null after a signal. */
  ended: Promise<number | null>;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs one production app as a process of its own, as `node apps/<app>/dist/main.js` does, from its sources.
 * @param project the folder of another version of the project than this one.
 */
export async function runApp(app: AppName, settings: Record<string, string>, project = PROJECT): Promise<AppProcess> {
  const main = join(project, `apps/${app}/src/main.ts`);
  const port = settings[PORTS[app]] ?? String(await freePort());
  const child = spawn(process.execPath, ['--conditions=@kpay/source', main], {
    env: { ...machineEnv(), KPAY_ADMIN_TOKEN: adminToken, ...settings, [PORTS[app]]: port },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  let text = '';
  const kept = keepLog(app);
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    kept.write(chunk);
  });
  const ended = once(child, 'close').then(([code]): number | null => {
    process.off('exit', killNow);
    return code;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stderr: () => text,
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs it and waits until it is ready. */
export async function startApp(app: AppName, settings: Record<string, string>, project?: string): Promise<AppProcess> {
  const running = await runApp(app, settings, project);
  await eventually(
    async () => {
      const ready = await fetch(`${running.url}/readyz`).catch(() => undefined);
      if (ready?.status !== 200) throw new Error(`${app} is not ready: ${running.stderr()}`);
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
  return running;
}
