import { execFileSync } from 'node:child_process';
import { eventually } from '@kpay/testkit';
import { type AppName, type AppProcess, runApp } from '../start-app.ts';

const START_WITHIN_MS = 60_000;

/** One production app that is started again whenever it ends, as a supervisor does. */
export class KeptApp {
  readonly app: AppName;
  readonly #settings: Record<string, string>;
  #running: AppProcess | undefined;
  #starting: Promise<void> = Promise.resolve();
  #ready = false;
  #ending = false;
  /** Frozen by a test step that needs nobody else to touch it. */
  frozen = false;
  /** Its output when it ended by itself after it had been ready, which must not happen. */
  readonly fell: string[] = [];
  /** Starts that ended at once, which is allowed while Postgres or Redis is down. */
  refusedStarts = 0;

  constructor(app: AppName, settings: Record<string, string>) {
    this.app = app;
    this.#settings = settings;
  }

  /** Whether it is running, as far as is known. */
  get running(): boolean {
    return this.#ready && !this.#ending;
  }

  get pid(): number {
    if (!this.#running) throw new Error(`${this.app} is not running`);
    return this.#running.pid;
  }

  start(): Promise<void> {
    this.#starting = this.#startUntilReady();
    return this.#starting;
  }

  /** SIGKILL, and a new process in its place. */
  async kill(): Promise<void> {
    await this.#starting;
    await this.#end('SIGKILL');
    await this.start();
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
    while (!execFileSync('ps', ['-o', 'state=', '-p', String(this.pid)], { encoding: 'utf8' }).startsWith('T')) {
      // The kernel stops it at once, but not before kill() returns.
    }
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it for good; returns the exit code. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    await this.#starting.catch(() => {});
    return this.#end(signal);
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.#ending = true;
    const code = (await this.#running?.end(signal)) ?? null;
    this.#ending = false;
    this.#running = undefined;
    this.#ready = false;
    return code;
  }

  async #startUntilReady(): Promise<void> {
    await eventually(
      async () => {
        const running = await runApp(this.app, this.#settings);
        this.#running = running;
        if (await becomesReady(running)) return this.#watch(running);
        this.refusedStarts += 1;
        await running.end('SIGKILL');
        throw new Error(`${this.app} did not start: ${running.stderr()}`);
      },
      { timeoutMs: START_WITHIN_MS, everyMs: 200 },
    );
  }

  #watch(running: AppProcess): void {
    this.#ready = true;
    running.ended.then((code) => {
      if (this.#ending || this.#running !== running) return;
      this.#ready = false;
      this.fell.push(`${this.app} ended by itself (${code}): ${running.stderr().slice(-1_000)}`);
      this.start().catch((error: unknown) => this.fell.push(String(error)));
    });
  }
}

async function becomesReady(running: AppProcess): Promise<boolean> {
  let over = false;
  const ended = running.ended.then(() => {
    over = true;
    return false;
  });
  const ready = eventually(
    async () => {
      if (over) return false;
      const answer = await fetch(`${running.url}/readyz`).catch(() => undefined);
      if (answer?.status !== 200) throw new Error('not ready');
      return true;
    },
    { timeoutMs: START_WITHIN_MS, everyMs: 50 },
  ).catch(() => false);
  return Promise.race([ended, ready]);
}
