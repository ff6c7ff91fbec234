import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createSimulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { keepLog, machineEnv, rememberSecret } from '@kpay/testkit';

export const adminToken = 'kpay-admin-of-the-fuzz';

/** An admin API in a separate process, with a simulator. */
export interface ServedApi {
  url: string;
  /** The process's report about itself. */
  ask<Answer>(what: 'heap' | 'processor'): Promise<Answer>;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

export async function serveApi(): Promise<ServedApi> {
  const simulator = await createSimulator({ port: 0, limit: 1_000_000, caching: false });
  rememberSecret(adminToken);
  const child = fork(fileURLToPath(new URL('serve.ts', import.meta.url)), {
    execArgv: ['--conditions=@kpay/source', '--expose-gc'],
    env: {
      ...machineEnv(),
      KPAY_ADMIN_TOKEN: adminToken,
      KPAY_BASE_URL: simulator.url,
      KPAY_API_KEY: simulatorApiKey,
      KPAY_SECRET_KEY: rememberSecret(simulatorSecretKey),
    },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const kept = keepLog('fuzzed-api');
  child.stderr?.setEncoding('utf8').on('data', (text: string) => kept.write(text));
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const { url } = await messageOf<{ url: string }>(child);
  return {
    url,
    hasEnded,
    ask(what) {
      child.send(what);
      return messageOf(child);
    },
    async stop() {
      process.off('exit', killNow);
      const ended = once(child, 'exit');
      if (child.connected) child.send('stop');
      const late = setTimeout(killNow, 10_000);
      if (!hasEnded()) await ended;
      clearTimeout(late);
      await simulator.close();
    },
  };
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const heard = new AbortController();
  const gone = once(child, 'exit', heard).then(() => {
    throw new Error('the API ended');
  });
  gone.catch(() => {});
  try {
    const [message] = await Promise.race([once(child, 'message', heard), gone]);
    return message as T;
  } finally {
    heard.abort();
  }
}
