import type { CountryAvailability, ExchangeRate, Observed, WalletBalance } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { CheckContext, CheckVerdict } from '../checks/check.ts';
import type { TransferEventView, TransferView } from '../queries/present.ts';
import type { Outflow } from '../queries/recent-outflow.ts';

/** The name of the plugin that the built-in checks are. */
export const BUILT_IN = 'kpay';

/** What adds to kpay-ops from outside. Each part runs where it belongs; a plugin has those it needs. */
export interface Plugin {
  /** Stands in reasons, logs and metrics: 1 to 32 of a to z, 0 to 9 and -. */
  name: string;
  /** Asked by the worker before each first send, after the built-in ones. */
  checks?: readonly PluginCheck[];
  /** Add metrics of their own to the exporter's. */
  collectors?: readonly Collector[];
  /** Are told of everything that happens to transfers, by the worker. */
  sinks?: readonly Sink[];
  /** Are added to the admin API, behind its keys. */
  routes?: readonly Route[];
}

/** A transfer as the API shows it. A check gets a copy: nothing that it changes is sent. */
export interface CheckedTransfer extends TransferView {
  /** @deprecated The ledger's row, for one release: take the fields beside it. */
  row: TransferRow;
}

/** Looks at a transfer before each first send, after the built-in checks. */
export interface PluginCheck {
  name: string;
  /** Longer than this and the transfer is held; 5 s unless given. */
  timeoutMs?: number;
  check(transfer: CheckedTransfer, context: CheckContext): CheckVerdict | Promise<CheckVerdict>;
}

/**
 * What a collector may look at of an account: what this process saw last, out of its memory. Nothing here asks KPay or
 * waits for anybody.
 */
export interface CollectorAccount {
  name: string;
  /** The latest answers, whatever their age; the dates say it. */
  latest: SeenOfKpay;
  /** The same while they are young enough to be shown: a gauge made of these vanishes instead of growing old. */
  shown: SeenOfKpay;
  /** The rates that are watched: those that are set, and those that transfers need. */
  ratePairs(): readonly { from: string; to: string }[];
  /** Why the latest read by this process failed; undefined when it did not. */
  lastFailure(observation: 'balance' | 'availability'): Error | undefined;
  /** Requests that all processes together may send in a window, and how many are left; undefined while nobody knows. */
  budget: { limit: number; remaining(): number | undefined };
  /** Money that left the wallets lately, by currency; undefined while the ledger cannot be read. */
  outflow(): ReadonlyMap<string, Outflow> | undefined;
  /** Told of each new answer of KPay. */
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
   * Called once at start; adds metrics to a registry of the plugin's own. When one of them fails at a scrape, the
   * plugin's are missing and the rest is served.
   */
  register(context: { registry: Registry; accounts: readonly CollectorAccount[] }): void | Promise<void>;
}

/** Something that happened to a transfer, and what the transfer is about. */
export interface SinkEvent extends TransferEventView {
  /** Grows with each event, as decimal text. The same event can be told again: know it by this. */
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
  /** Longer than this and it counts as failed; 10 s unless given. */
  timeoutMs?: number;
  /**
   * Takes the next events, oldest first. When it returns they count as told; when it throws or takes too long it is
   * called with the same ones again, later and later up to five minutes.
   */
  tell(events: readonly SinkEvent[], context: { signal: AbortSignal }): void | Promise<void>;
}

export interface RouteCall {
  /** What stands for {id} in the path; empty when it has none. */
  id: string;
  query: Record<string, unknown>;
  /** The parsed JSON of a post. */
  body: unknown;
  /** Whose key it is. */
  owner: string;
  /** The accounts that the caller reaches; null: all. */
  accounts: readonly string[] | null;
  signal: AbortSignal;
}

export interface Route {
  name: string;
  /** A get needs a key with the scope `read`, everything else one with `control`. */
  method: 'get' | 'post' | 'delete';
  /** Below /v1/plugins/<plugin>, such as /holidays or /holidays/{id}. */
  path: string;
  /** What it does, in a sentence, for the API's own documentation. */
  summary: string;
  /** It answers each caller by its accounts. Without this only those come through who reach all accounts. */
  byAccount?: boolean;
  /** Answers the JSON of a 200. What it throws becomes a 500 that does not tell what. */
  handle(call: RouteCall): unknown;
}

// A check that waits keeps one of the worker's places.
const MAX_CHECK_MS = 90_000;
// Within the lease of the one who tells it.
const MAX_TELL_MS = 20_000;

const nameSchema = z
  .string({ error: 'must be a name of a to z, 0 to 9 and -' })
  .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a to z, 0 to 9 and -');

// Functions are left as they are: a parsed copy would lose the object they were written in.
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
    .max(MAX_TELL_MS, `must be at most ${MAX_TELL_MS}`)
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

// Strict: a misspelt part would silently not be there.
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
