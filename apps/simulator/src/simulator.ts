import { randomInt } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { type Control, createControl } from './control/control.ts';
import { createKpayServer } from './http/server.ts';
import {
  type ApplicationSpec,
  simulatorApiKey,
  simulatorApplication,
  simulatorApplicationId,
  simulatorSecretKey,
} from './model/application.ts';
import { FaultBook } from './model/faults.ts';
import { Kpay } from './model/kpay.ts';
import { parseInput } from './model/parse-input.ts';
import { RateLimit } from './model/rate-limit.ts';
import { RequestLog } from './model/request-log.ts';
import { TokenMint } from './model/tokens.ts';
import { openTruthFile } from './model/truth-file.ts';

/** How a simulator is started. Everything may be left out. */
export interface SimulatorOptions {
  /** Any free one unless given. */
  port?: number | undefined;
  /** 127.0.0.1 unless given. The control API answers loopback clients only, whatever this is. */
  host?: string | undefined;
  /** Keeps the truth in `<dataDir>/simulator-truth.jsonl`, so that it survives kill -9. In memory unless given. */
  dataDir?: string | undefined;
  /** Requests a window per key; 100 unless given. */
  limit?: number | undefined;
  /** Of the limit, before the scale of time; a minute unless given. */
  windowMs?: number | undefined;
  /** How much faster tokens, windows and caches run out; 1 unless given. */
  timeScale?: number | undefined;
  /** Whether rates (an hour) and availability (a minute) are cached as at KPay; true unless given. */
  caching?: boolean | undefined;
  /** Milliseconds since 1970; the machine's unless given. */
  now?: (() => number) | undefined;
  /** How latency and delays of faults are waited for; the machine's timers unless given. Rejects when the signal aborts. */
  sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
  /** Waited before every answer; 0 unless given. */
  latencyMs?: number | undefined;
  /** Of transfer ids and of the faults' dice; random unless given. */
  seed?: number | undefined;
  /** Beside the application that is always there. */
  applications?: ApplicationSpec[] | undefined;
  /** How many of the latest requests the truth keeps; 10,000 unless given. All are counted. */
  keptRequests?: number | undefined;
}

/** A simulated KPay that listens. */
export interface Simulator {
  /** Where it listens, such as `http://127.0.0.1:49152`: a client takes it in the place of KPay's address. */
  baseUrl: string;
  /** The same as `baseUrl`. */
  url: string;
  /** The port of `baseUrl`. */
  port: number;
  /** An API key that it knows: of the application that is always there, with plenty of money in twelve countries. */
  apiKey: string;
  /** The secret of that key. */
  secretKey: string;
  /** The id of that application, which transfers take as `applicationId`. */
  applicationId: string;
  /** What its transfer ids and the faults' dice are made from: the same seed and requests give the same run again. */
  seed: number;
  /** Faults, wallets, rates, availability, the clock, and the truth about all money. */
  control: Control;
  /** Ends every connection at once and stops whatever waits. It may be called again. */
  close(): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const callable = z.custom<(...all: never[]) => unknown>((value) => typeof value === 'function', 'expected a function');
const OptionsSchema = z.strictObject({
  port: z.int().min(0).max(65_535).default(0),
  host: z.string().min(1).default('127.0.0.1'),
  dataDir: z.string().min(1).optional(),
  limit: z.int().positive().default(100),
  windowMs: z.number().positive().default(60_000),
  timeScale: z.number().positive().max(100_000).default(1),
  caching: z.boolean().default(true),
  now: callable.optional(),
  sleep: callable.optional(),
  latencyMs: z.number().nonnegative().max(600_000).default(0),
  seed: z.int().optional(),
  // Each is parsed where it is added.
  applications: z.array(z.unknown()).default([]),
  keptRequests: z.int().nonnegative().default(10_000),
});

/**
 * Starts a simulated KPay on a free port of this machine.
 *
 * @throws Refusal 400 when an option cannot be used, with its name; otherwise rejects when the port is taken or the truth on disk
 *   cannot be read.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port, host, limit, windowMs, timeScale, caching, latencyMs, keptRequests } = parseInput(OptionsSchema, options);
  const { dataDir, applications = [], seed = randomInt(2 ** 31), now: timeOf = Date.now } = options;
  const clock = { aheadMs: 0 };
  const now = () => timeOf() + clock.aheadMs;
  const truthFile = dataDir === undefined ? undefined : openTruthFile(dataDir);
  const kpay = new Kpay({ now, seed, ...(truthFile && { record: truthFile.append }) });
  kpay.timeScale = timeScale;
  kpay.caching = caching;
  for (const event of truthFile?.events ?? []) kpay.apply(event);

  const limits = { limit, windowMs, retryAfter: true };
  const log = new RequestLog(keptRequests);
  const parts = {
    kpay,
    clock,
    now,
    faults: new FaultBook(seed),
    log,
    tokens: new TokenMint(),
    rateLimit: new RateLimit(),
    limits,
  };
  const control = createControl(parts);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
  const server = createKpayServer({ ...parts, control, sleep, latencyMs, closing: closing.signal });
  try {
    for (const spec of [simulatorApplication, ...applications]) {
      // An application the truth knows already keeps its wallets as they are there.
      if (!kpay.findByKey(spec?.apiKey) && !kpay.findById(spec?.id ?? '')) control.addApplication(spec);
    }
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    truthFile?.close();
    throw error;
  }
  const { port: boundPort } = server.address() as AddressInfo;
  const baseUrl = `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
  const close = async () => {
    if (closing.signal.aborted) return;
    closing.abort();
    log.closeAll('simulator_closed');
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
    truthFile?.close();
  };
  return {
    baseUrl,
    url: baseUrl,
    port: boundPort,
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    applicationId: simulatorApplicationId,
    seed,
    control,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Starts a simulated KPay on port 8090 unless another is given.
 *
 * @deprecated Now startSimulator, whose port is any free one unless given; this name goes with the next minor version.
 */
export function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ ...options, port: options.port ?? 8090 });
}
