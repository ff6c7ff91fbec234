import type { CountryAvailability, ExchangeRate, Observed, WalletBalance } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { CheckContext, CheckVerdict } from '../checks/check.ts';
import type { TransferEventView, TransferView } from '../queries/present.ts';
import type { Outflow } from '../queries/recent-outflow.ts';

/** The name of the plugin that holds the built-in checks. */
export const BUILT_IN = 'kpay';

/** An extension of kpay-ops. Each part runs in its own app. A plugin has the parts that it needs. */
export interface Plugin {
  /** Appears in reasons, logs and metrics: 1 to 32 characters of a to z, 0 to 9 and -. */
  name: string;
  /** Run by the worker before each first send, after the built-in checks. */
  checks?: readonly PluginCheck[];
  /** Add metrics to the exporter. */
  collectors?: readonly Collector[];
  /** Receive every event of every transfer, from the worker. */
  sinks?: readonly Sink[];
  /** Added to the admin API; they need a key of the API. */
  routes?: readonly Route[];
}

/** A transfer as the API shows it. A check gets a copy, so it cannot change what is sent. */
export interface CheckedTransfer extends TransferView {
  /** @deprecated The ledger's row, kept for one release. Use the fields beside it. */
  row: TransferRow;
}

/** Checks a transfer before each first send, after the built-in checks. */
export interface PluginCheck {
  name: string;
  /** The transfer is held when the check takes longer; 5 s by default. */
  timeoutMs?: number;
  check(transfer: CheckedTransfer, context: CheckContext): CheckVerdict | Promise<CheckVerdict>;
}

/**
 * What a collector may read about an account: what this process observed last, from memory. Nothing here asks KPay or
 * waits.
 */
export interface CollectorAccount {
  name: string;
  /** The latest answers, at any age; each has its date. */
  latest: SeenOfKpay;
  /**
   * The same answers while they are young enough to show. A gauge made of these vanishes instead of showing an old
   * value.
   */
  shown: SeenOfKpay;
  /** The watched rates: those that are configured and those that transfers need. */
  ratePairs(): readonly { from: string; to: string }[];
  /** Why the latest read by this process failed; undefined when it succeeded. */
  lastFailure(observation: 'balance' | 'availability'): Error | undefined;
  /** How many requests all processes together may send in a window, and how many are left; undefined while unknown. */
  budget: { limit: number; remaining(): number | undefined };
  /** Money that left the wallets lately, by currency; undefined while the ledger cannot be read. */
  outflow(): ReadonlyMap<string, Outflow> | undefined;
  /** Calls the listener with each new answer of KPay. */
  onAvailability(listener: (observed: Observed<CountryAvailability[]>) => void): void;
  onBalance(listener: (observed: Observed<WalletBalance[]>) => void): void;
}

export interface SeenOfKpay {
  balance(): Observed<WalletBalance[]> | undefined;
  availability(): Observed<CountryAvailability[]> | undefined;
  rate(from: string, to: string): Observed<ExchangeRate> | undefined;
}

export interface Collector {
  name: string;
  /**
   * Called once at the start. It adds metrics to a registry of the plugin's own. When one of them fails at a scrape,
   * the plugin's metrics are missing from it; the rest is served.
   */
  register(context: { registry: Registry; accounts: readonly CollectorAccount[] }): void | Promise<void>;
}

/** Something that happened to a transfer, with what the transfer is about. */
export interface SinkEvent extends TransferEventView {
  /** Decimal text that grows with each event. The same event can be delivered again; recognise it by this id. */
  id: string;
  transferId: string;
  account: string;
  externalId: string | null;
  sourceCountry: string;
  destinationCountry: string;
  /** In units of the currency. */
  amount: string;
  currency: string;
  metadata: Record<string, string> | null;
}

export interface Sink {
  name: string;
  /** A call that takes longer counts as failed; 10 s by default. */
  timeoutMs?: number;
  /**
   * Takes the next events, oldest first. When it returns, they count as delivered. When it throws or takes too long, it
   * is called again with the same events, after growing delays of up to five minutes.
   */
  tell(events: readonly SinkEvent[], context: { signal: AbortSignal }): void | Promise<void>;
}

export interface RouteCall {
  /** The value of {id} in the path; empty when the path has none. */
  id: string;
  query: Record<string, unknown>;
  /** The parsed JSON of a post. */
  body: unknown;
  /** The owner of the caller's key. */
  owner: string;
  /** The accounts that the caller reaches; null means all. */
  accounts: readonly string[] | null;
  signal: AbortSignal;
}

export interface Route {
  name: string;
  /** A get needs a key with the scope `read`; all others need `control`. */
  method: 'get' | 'post' | 'delete';
  /** The path below /v1/plugins/<plugin>, such as /holidays or /holidays/{id}. */
  path: string;
  /** One sentence for the API's documentation. */
  summary: string;
  /**
   * True when the route itself limits its answer to the caller's accounts. Without it, only callers that reach all
   * accounts are admitted.
   */
  byAccount?: boolean;
  /** Returns the JSON of a 200. If it throws, the answer is a 500 without details. */
  handle(call: RouteCall): unknown;
}

// A check that waits occupies one of the worker's slots.
const MAX_CHECK_MS = 90_000;
// Shorter than the lease of the process that delivers.
const MAX_DELIVERY_MS = 20_000;

const nameSchema = z
  .string({ error: 'must be a name of a to z, 0 to 9 and -' })
  .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a to z, 0 to 9 and -');

// Functions are passed through unchanged: a parsed copy would lose its `this`.
const functionSchema = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');

const checkSchema = z.looseObject({
  name: nameSchema,
  timeoutMs: z
    .number('must be milliseconds')
    .positive('must be above 0')
    .max(MAX_CHECK_MS, `must be at most ${MAX_CHECK_MS}`)
    .exactOptional(),
  check: functionSchema,
});

const collectorSchema = z.looseObject({ name: nameSchema, register: functionSchema });

const sinkSchema = z.looseObject({
  name: nameSchema,
  timeoutMs: z
    .number('must be milliseconds')
    .positive('must be above 0')
    .max(MAX_DELIVERY_MS, `must be at most ${MAX_DELIVERY_MS}`)
    .exactOptional(),
  tell: functionSchema,
});

const routeSchema = z.looseObject({
  name: nameSchema,
  method: z.enum(['get', 'post', 'delete'], { error: 'must be get, post or delete' }),
  path: z
    .string({ error: 'must be a path such as /holidays' })
    .regex(/^(\/([a-z0-9-]+|\{id\}))+$/, 'must be a path such as /holidays or /holidays/{id}'),
  summary: z.string({ error: 'must be a sentence' }).min(1, 'must be a sentence'),
  byAccount: z.boolean({ error: 'must be true or false' }).exactOptional(),
  handle: functionSchema,
});

const partsOf = <Part extends z.ZodType<{ name: string }>>(part: Part) =>
  z
    .array(part, { error: 'must be a list' })
    .refine((parts) => new Set(parts.map(({ name }) => name)).size === parts.length, 'must not have two of one name')
    .exactOptional();

// Strict, so that a misspelt part is refused instead of ignored.
const pluginSchema = z.strictObject({
  name: nameSchema.refine((name) => name !== BUILT_IN, `must not be ${BUILT_IN}, which is the built-in one`),
  checks: partsOf(checkSchema),
  collectors: partsOf(collectorSchema),
  sinks: partsOf(sinkSchema),
  routes: partsOf(routeSchema),
});

/**
 * Declares a plugin: the default export of a module that KPAY_PLUGINS names (docs/plugins.md).
 *
 * @throws TypeError naming the part that is wrong.
 */
export function definePlugin(plugin: Plugin): Plugin {
  const problem = problemOf(plugin);
  if (problem !== undefined) throw new TypeError(`plugin ${problem}`);
  return plugin;
}

/** What is wrong with something that should be a plugin, or undefined. */
export function problemOf(plugin: unknown): string | undefined {
  const parsed = pluginSchema.safeParse(plugin);
  const [issue] = parsed.error?.issues ?? [];
  if (!issue) return undefined;
  const place = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  if (issue.code === 'unrecognized_keys') return `has unknown parts: ${issue.keys.join(', ')}`;
  return place === '' ? 'must be an object' : `${place.slice(1)} ${issue.message}`;
}
