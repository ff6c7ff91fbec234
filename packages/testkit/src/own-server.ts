/** A real server on 127.0.0.1 with data of its own: a process of this machine, or a container. */
export interface OwnServer {
  url: string;
  port: number;
  /** Of its main process, on this machine. Another one after a restart. */
  readonly pid: number;
  /** Freezes it, and lets it go on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it in order, unless it has ended, and starts it again, on the same port and with what it wrote to disk. */
  restart(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Ends it and removes its data. Safe after `kill`, and twice. */
  stop(): Promise<void>;
}

/** The server cannot be had on this machine, and why. */
export interface Unavailable {
  unavailable: string;
}

/**
 * Says that a suite cannot run here, for `describe.skipIf('unavailable' in server)`.
 *
 * @throws when KPAY_TEST_STRICT is 1: there, everything must be had.
 */
export function unavailable(why: string): Unavailable {
  if (process.env.KPAY_TEST_STRICT === '1') throw new Error(`KPAY_TEST_STRICT=1 and ${why}`);
  return { unavailable: why };
}

/** Whether servers are containers in this run. */
export function inContainers(): boolean {
  return process.env.KPAY_TEST_STORES === 'containers';
}
