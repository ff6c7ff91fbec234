/** A real server on 127.0.0.1 with its own data: a process of this machine, or a container. */
export interface OwnServer {
  url: string;
  port: number;
  /** The process id of its main process, on this machine. It changes with a restart. */
  readonly pid: number;
  /** Freezes it, and lets it continue. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Stops it in an orderly way, if it runs, and starts it again on the same port with its data on disk. */
  restart(): Promise<void>;
  /** Ends it like a power cut. */
  kill(): Promise<void>;
  /** Stops it and removes its data. Safe after `kill`, and when called twice. */
  stop(): Promise<void>;
}

/** The server is not available on this machine; it says why. */
export interface Unavailable {
  unavailable: string;
}

/**
 * The result for a server that is not available, for `describe.skipIf('unavailable' in server)`.
 *
 * @throws when KPAY_TEST_STRICT is 1, because then every server must be available.
 */
export function unavailable(why: string): Unavailable {
  if (process.env.KPAY_TEST_STRICT === '1') throw new Error(`KPAY_TEST_STRICT=1 and ${why}`);
  return { unavailable: why };
}

/** Whether this run uses containers as servers. */
export function inContainers(): boolean {
  return process.env.KPAY_TEST_STORES === 'containers';
}
