import { randomInt } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Control, createControl } from './control/control.ts';
import { createKpayServer } from './http/server.ts';
import { type ApplicationSpec, simulatorApplication } from './model/application.ts';
import { FaultBook } from './model/faults.ts';
import { Kpay } from './model/kpay.ts';
import { RateLimit } from './model/rate-limit.ts';
import { RequestLog } from './model/request-log.ts';
import { TokenMint } from './model/tokens.ts';
import { openTruthFile } from './model/truth-file.ts';

export interface SimulatorOptions {
  /** 8090 unless given; 0 takes any free one. */
  port?: number;
  /** 127.0.0.1 unless given. The control API answers loopback clients only, whatever this is. */
  host?: string;
  /** Keeps the truth in `<dataDir>/simulator-truth.jsonl`, so that it survives kill -9. In memory unless given. */
  dataDir?: string;
  /** Requests a window per key; 100 unless given. */
  limit?: number;
  /** Of the limit, before the scale of time; a minute unless given. */
  windowMs?: number;
  timeScale?: number;
  /** Whether rates (an hour) and availability (a minute) are cached as at KPay; true unless given. */
  caching?: boolean;
  /** Milliseconds since 1970; the machine's unless given. */
  now?: () => number;
  /** How latency and delays of faults are waited for; the machine's timers unless given. Rejects when the signal aborts. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Waited before every answer. */
  latencyMs?: number;
  /** Of transfer ids and of the faults' dice; random unless given. */
  seed?: number;
  /** Beside the default application, which is always there. */
  applications?: ApplicationSpec[];
  /** How many of the latest requests the truth keeps; 10,000 unless given. All are counted. */
  keptRequests?: number;
}

export interface Simulator {
  url: string;
  port: number;
  seed: number;
  control: Control;
  /** Ends every connection at once and stops whatever waits. */
  close(): Promise<void>;
}

/** Starts a KPay. Rejects when the port is taken or the truth on disk cannot be read. */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 8090, host = '127.0.0.1', now = Date.now, seed = randomInt(2 ** 31) } = options;
  const truthFile = options.dataDir === undefined ? undefined : openTruthFile(options.dataDir);
  const kpay = new Kpay({ now, seed, ...(truthFile && { record: truthFile.append }) });
  kpay.timeScale = options.timeScale ?? 1;
  kpay.caching = options.caching ?? true;
  for (const event of truthFile?.events ?? []) kpay.apply(event);

  const limits = { limit: options.limit ?? 100, windowMs: options.windowMs ?? 60_000, retryAfter: true };
  const log = new RequestLog(options.keptRequests ?? 10_000);
  const parts = { kpay, faults: new FaultBook(seed), log, tokens: new TokenMint(), rateLimit: new RateLimit(), limits };
  const control = createControl(parts);
  for (const spec of [simulatorApplication, ...(options.applications ?? [])]) {
    // An application the truth knows already keeps its wallets as they are there.
    if (!kpay.findByKey(spec.apiKey) && !kpay.findById(spec.id ?? '')) control.addApplication(spec);
  }

  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
  const latencyMs = options.latencyMs ?? 0;
  const server = createKpayServer({ ...parts, control, now, sleep, latencyMs, closing: closing.signal });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    truthFile?.close();
    throw error;
  }
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    seed,
    control,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      log.closeAll('simulator_closed');
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      truthFile?.close();
    },
  };
}
