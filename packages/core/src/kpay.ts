import { createHash } from 'node:crypto';
import { assertFields, assertNumber, assertText, kindOf } from './arguments.ts';
import { type Budget, createBudget } from './budget.ts';
import { type CallOptions, MAX_TIMEOUT_MS } from './client/call-options.ts';
import {
  assertEnvironment,
  createKpayClient,
  type Environment,
  environmentOf,
  type KpayClient,
  parseBaseUrl,
  type TransferPermit,
} from './client/client.ts';
import type { Drift } from './client/drift.ts';
import type { CountryAvailability, ExchangeRate, Me, PredictedProvider } from './client/endpoints.ts';
import type { CertificateAuthorities, HttpDispatcher } from './client/exchange.ts';
import type { Hooks } from './client/hooks.ts';
import { parseProxy, proxyOf } from './client/proxy.ts';
import type { TransferFields } from './client/transfer-body.ts';
import type { TransferReceipt } from './client/transfer-receipt.ts';
import { type KnownTransfer, transferUntilKnown, type UntilKnownOptions } from './client/transfer-until-known.ts';
import type { WalletBalance } from './client/wallet-balance.ts';
import { ClosedError, InvalidArgumentError, InvalidSettingsError, RetryableError } from './errors.ts';
import type { Currency } from './money/catalogue.ts';
import { createObservations, type ObservationName, type Observations } from './observations.ts';
import { createSeal } from './stores/seal.ts';
import { createMemoryStores, type Stores } from './stores/stores.ts';
import { type Clock, systemClock } from './time/clock.ts';

/** KPay's address, for test and live keys alike. */
const KPAY_URL = 'https://admin.kpay.site';

/** How a client is made. Everything is optional once KPAY_API_KEY and KPAY_SECRET_KEY are in the environment. */
export interface KpayOptions extends Hooks {
  /** The API key, `kpay_test_…` or `kpay_live_…`: KPAY_API_KEY unless given. */
  apiKey?: string | undefined;
  /** The secret key that belongs to it: KPAY_SECRET_KEY unless given. */
  secretKey?: string | undefined;
  /** KPAY_BASE_URL unless given, else `https://admin.kpay.site`. A simulator has an address of its own. */
  baseUrl?: string | undefined;
  /** What the API key must be for. Its prefix decides, so this only refuses a key of the other kind. */
  environment?: Environment | undefined;
  /** What the account is called in logs and metrics, `[a-z0-9-]{1,32}`: `default` unless given. */
  name?: string | undefined;
  /** From sending a request to the end of its answer, in milliseconds: 20,000 unless given, 50,000 at most. */
  timeoutMs?: number | undefined;
  /** How long a call waits for its place in the request budget, in milliseconds: 60,000 unless given. */
  maxWaitMs?: number | undefined;
  /**
   * How often a read that failed (429, 5xx, no connection, a lost one, a time-out) is asked again: 2 unless given, 10 at most.
   * It waits as Retry-After says, else 0.5 to 8 s. Another try begins within `maxWaitMs` of the call. A transfer is never sent
   * again by itself.
   */
  maxRetries?: number | undefined;
  /** How long to try to connect, in milliseconds: 5,000 unless given. */
  connectTimeoutMs?: number | undefined;
  /** Connects by IPv4 only, where IPv6 connections to KPay time out. */
  ipv4Only?: boolean | undefined;
  /**
   * Of the proxy to KPay, such as `http://user:password@proxy.example:3128`. Unless given it is that of HTTPS_PROXY and
   * NO_PROXY (HTTP_PROXY for an address at http); `false` for none.
   */
  proxy?: string | false | undefined;
  /** Certificates (PEM) to trust in place of Node's own list, for KPay and for a proxy at https. */
  ca?: CertificateAuthorities | undefined;
  /** Sends the requests instead of connections of this client's own. It stays yours: `close()` does not close it. */
  dispatcher?: HttpDispatcher | undefined;
  /** What KPay allows in a minute, for all processes together: 100 unless given. */
  rateLimitPerMinute?: number | undefined;
  /** One minute unless given; shorter in scaled tests. */
  budgetWindowMs?: number | undefined;
  /** How old observations may be, in milliseconds: balance 30,000, availability 60,000, rate 600,000 unless given. */
  maxAgeMs?: Partial<Record<ObservationName, number>> | undefined;
  /** Where budget, token and observations are kept: in this process unless given. See `@kpay/core/redis`. */
  stores?: Stores | undefined;
  /** Time, for tests. */
  clock?: Clock | undefined;
  /** Called once for each way in which KPay's answers differ from its documentation. */
  onDrift?: ((drift: Drift) => void) | undefined;
}

/** A pair of keys of one application. */
export interface Keys {
  /** The API key, `kpay_test_…` or `kpay_live_…`. */
  apiKey: string;
  /** The secret key that belongs to it. */
  secretKey: string;
}

/**
 * A client for one merchant's access to KPay.
 *
 * ```ts
 * const kpay = new Kpay(); // KPAY_API_KEY, KPAY_SECRET_KEY
 * const wallets = await kpay.balance();
 * ```
 *
 * Every call rejects with a KpayError: a RejectedError when KPay said no, a RetryableError when nothing was lost and it may
 * be tried later, an InvalidArgumentError before anything is sent. Only a transfer can end with an OutcomeUnknownError.
 */
export class Kpay {
  /** What the account is called in logs and metrics. */
  readonly name: string;
  /** KPay's address. */
  readonly baseUrl: string;
  /** TEST for a `kpay_test_` key, PRODUCTION for a `kpay_live_` key. */
  readonly environment: Environment;
  /** What KPay allows in each window, for all processes together. */
  readonly rateLimitPerMinute: number;
  /** Time as this client sees it. */
  readonly clock: Clock;
  /** The same calls as plain functions, so that one of them can be handed on alone or replaced in a test. */
  readonly client: KpayClient;
  /** The request budget that all processes with the same stores and key share. */
  readonly budget: Budget;
  /** Shared, dated reads of balance, availability and rates: KPay is asked once, however many ask. */
  readonly observations: Observations;
  readonly #settings: Settings;
  #access: Access;
  #closed = false;
  /** The clients of earlier keys, until what they are at has ended. */
  readonly #retired = new Set<Promise<void>>();

  /** @throws InvalidSettingsError when the options cannot work; nothing is sent yet. */
  constructor(options: KpayOptions = {}) {
    this.#settings = settle(options);
    const { name, baseUrl, environment, rateLimitPerMinute, clock } = this.#settings;
    this.name = name;
    this.baseUrl = baseUrl;
    this.environment = environment;
    this.rateLimitPerMinute = rateLimitPerMinute;
    this.clock = clock;
    this.#access = openAccess(this.#settings);
    const isClosed = (): boolean => this.#closed;
    this.client = follow(this.#access.client, () => this.#access.client, isClosed);
    this.budget = follow(this.#access.budget, () => this.#access.budget, isClosed);
    this.observations = follow(this.#access.observations, () => this.#access.observations, isClosed);
  }

  /**
   * Who the keys belong to: the ID and name of the application and of its company, and the environment (KPay's page,
   * "Application information", `GET /api/v1/payments/me`). The `application.id` is the applicationId of a transfer; this
   * client remembers it.
   *
   * @throws RejectedError 401: keys missing or not valid. RetryableError: no answer, or 429 (rate limit exceeded).
   */
  me(options?: CallOptions): Promise<Me>;
  me(...given: [CallOptions?]): Promise<Me> {
    return this.client.me(...given);
  }

  /**
   * The balance of the application's wallets: total, reserved for withdrawals under way, and available (KPay's page, "Check
   * wallet balance", `GET /api/v1/payments/balance`). With test keys it is the test wallet's. KPay names only the currency:
   * wallets are one a country, so one row can stand for several of them, and a currency can come twice.
   *
   * @throws RejectedError 401. RetryableError: no answer, or 429.
   */
  balance(options?: CallOptions): Promise<WalletBalance[]>;
  balance(...given: [CallOptions?]): Promise<WalletBalance[]> {
    return this.client.balance(...given);
  }

  /**
   * The status of each mobile-money operator, by country and kind of operation: `OPERATIONAL`, `DELAYED` or `CLOSED` (KPay's
   * page, "Operator availability", `GET /api/v1/payments/availability`). KPay caches it for one minute. For a monitoring
   * dashboard, to show the status to users, or to disable an operator that is not available.
   *
   * @throws RejectedError 401. RetryableError: no answer, or 429.
   */
  availability(options?: CallOptions): Promise<CountryAvailability[]>;
  availability(...given: [CallOptions?]): Promise<CountryAvailability[]> {
    return this.client.availability(...given);
  }

  /**
   * What one unit of `from` is in units of `to` (KPay's page, "Exchange rate", `GET /api/v1/payments/exchange-rate`). KPay
   * caches it for one hour; no rate is locked, and shown rates are rounded. Within a monetary zone (CEMAC: XAF, UEMOA: XOF)
   * it is 1; across zones it is the real rate. To show an estimated amount before a transfer: `convert(amount, rate, to)`.
   *
   * @param from source currency, ISO 4217 such as `XAF`, `XOF`, `GHS`, `KES`, `NGN`.
   * @param to target currency, ISO 4217.
   * @throws RejectedError 400 for a pair without a rate, 401. RetryableError: no answer, one about another pair, or 429.
   */
  exchangeRate(from: Currency, to: Currency, options?: CallOptions): Promise<ExchangeRate>;
  exchangeRate(...given: [string, string, CallOptions?]): Promise<ExchangeRate> {
    return this.client.exchangeRate(...given);
  }

  /**
   * Which mobile-money operator a phone number belongs to, with its country (KPay's page, "Guess the operator of a number",
   * `POST /api/v1/payments/predict-provider`). A suggestion, to pre-fill the provider of a payment or withdrawal: you remain
   * responsible for the provider that you pass on. The sandbox recognizes only its test numbers.
   *
   * @param phoneNumber national or international format, such as `237670000001` or `260763456789`.
   * @throws RejectedError 400: number not recognized, invalid format or unsupported operator; 401: keys missing or invalid.
   *   RetryableError: no answer, or 429 (rate limit exceeded).
   */
  predictProvider(phoneNumber: string, options?: CallOptions): Promise<PredictedProvider>;
  predictProvider(...given: [string, CallOptions?]): Promise<PredictedProvider> {
    return this.client.predictProvider(...given);
  }

  /**
   * A JWT for requests of your own, in the header `Authorization: Bearer <token>` (KPay's page, "Obtain a JWT token",
   * `POST /api/v1/payments/token`). KPay gives it for 30 minutes, in the environment of the keys; there is no refresh, so a
   * new one is asked for in time. This one is good for two minutes or more. It is a secret. Processes share it, so
   * `timeoutMs` and `headers` do not apply. `transfer` needs none of you.
   *
   * @throws RejectedError 401: keys missing or not valid. RetryableError: no answer, or 429.
   */
  accessToken(options?: CallOptions): Promise<string>;
  accessToken(...given: [CallOptions?]): Promise<string> {
    return this.client.accessToken(...given);
  }

  /**
   * Moves money between two of the application's wallets, once, and resolves with KPay's receipt (KPay's page, "Using the
   * token", `POST /api/wallets/transfer`). A token is got as needed; the keys decide whether test or real wallets move.
   *
   * Keep `externalId` before the call: KPay makes one transfer for one id, for ever. There is no list of transfers at KPay,
   * and no webhook for them.
   *
   * @throws RejectedError: KPay refused, and this call moved nothing. 400: same country, amount out of bounds (100 to
   *   10,000,000); 403: application not yours; 404: no wallet for that country; 409: an active transfer holds the
   *   externalId, perhaps your own earlier send; 422: insufficient funds (KPay's documentation).
   * @throws RetryableError, KpayAbortError, InvalidArgumentError: nothing was sent.
   * @throws OutcomeUnknownError: it may have moved money. Send the same fields again, never with another externalId.
   */
  transfer(fields: TransferFields, options?: CallOptions): Promise<TransferReceipt>;
  transfer(...given: [TransferFields, CallOptions?]): Promise<TransferReceipt> {
    return this.client.transfer(...given);
  }

  /**
   * Sends a transfer, and after an unknown outcome the same fields again, until it is known what became of it; with a
   * `memory` also after a crash. Money moves once at most.
   *
   * @throws RejectedError, RetryableError, KpayAbortError: nothing was done.
   * @throws OutcomeUnknownError: it may have moved money. `next` says whether to call again with the same fields and memory,
   *   or to ask KPay; never send it under another externalId.
   * @throws InvalidArgumentError, InvalidAmountError, UnknownCountryError: nothing was sent by this call.
   */
  async transferUntilKnown(fields: TransferFields, options: UntilKnownOptions = {}): Promise<KnownTransfer> {
    const { transfer, applicationId } = this.client;
    return transferUntilKnown({ transfer, applicationId, environment: this.environment }, fields, {
      clock: this.clock,
      ...options,
    });
  }

  /**
   * The first of two steps of a transfer that a ledger stands between: it gets all that can be waited for, a token and a
   * place in the budget. Send or release what it resolves with; its place is held for a minute otherwise.
   */
  prepareTransfer(options?: CallOptions): Promise<TransferPermit>;
  prepareTransfer(...given: [CallOptions?]): Promise<TransferPermit> {
    return this.client.prepareTransfer(...given);
  }

  /**
   * Goes on with other keys of the same application: whoever holds this client, its budget or observations uses them from
   * then on. `check` gets a client that uses them already, and throws to refuse them; nothing changes then.
   *
   * What is on its way with the old keys ends with them; what only waits ends with a RetryableError, `keys_changed`. KPay
   * counts requests by key, so another API key has a budget of its own: `check` may seed it.
   *
   * @throws InvalidSettingsError when the keys cannot work, or what `check` throws.
   */
  async changeKeys(keys: Keys, check: (candidate: Kpay) => Promise<void>): Promise<void> {
    if (this.#closed) throw new ClosedError();
    assertText('keys.apiKey', keys?.apiKey, 2_000);
    assertText('keys.secretKey', keys?.secretKey, 2_000);
    if (typeof check !== 'function')
      throw new InvalidArgumentError('check', 'must be a function that refuses the keys by throwing');
    const { apiKey, secretKey } = keys;
    const settings = { ...this.#settings, ...keysOf({ apiKey, secretKey }, this.environment) };
    const candidate = new Kpay(settings);
    try {
      await check(candidate);
    } finally {
      await candidate.close();
    }
    const before = this.#access;
    this.#access = openAccess(settings, before.observations);
    const reason = new RetryableError('other keys came into use while this call waited', { reason: 'keys_changed' });
    const closed = before.client.close(reason).finally(() => this.#retired.delete(closed));
    this.#retired.add(closed);
  }

  /**
   * Lets requests under way end, and closes the connections. What waits for the budget ends with a ClosedError, and so does
   * every later call.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#access.client.close(), ...this.#retired]);
  }

  /** Name, address and environment: no key. */
  toJSON(): Record<string, unknown> {
    const { name, baseUrl, environment, rateLimitPerMinute } = this;
    return { name, baseUrl, environment, rateLimitPerMinute };
  }
}

const OPTIONS: ReadonlySet<string> = new Set([
  'apiKey',
  'secretKey',
  'baseUrl',
  'environment',
  'name',
  'timeoutMs',
  'maxWaitMs',
  'maxRetries',
  'connectTimeoutMs',
  'ipv4Only',
  'proxy',
  'ca',
  'dispatcher',
  'rateLimitPerMinute',
  'budgetWindowMs',
  'maxAgeMs',
  'stores',
  'clock',
  'onDrift',
  'onRequest',
  'onResponse',
  'onCall',
]);

type Required_ = 'apiKey' | 'secretKey' | 'baseUrl' | 'environment' | 'name' | 'rateLimitPerMinute' | 'stores' | 'clock';
/** Options with their defaults, known to work together. */
type Settings = KpayOptions & { [option in Required_]: NonNullable<KpayOptions[option]> };

/** @throws InvalidSettingsError that names the option, and the variable when the value came from there. */
function settle(options: KpayOptions): Settings {
  try {
    assertFields('options', options, OPTIONS);
    return read(options);
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new InvalidSettingsError(error.message) : error;
  }
}

function read(options: KpayOptions): Settings {
  const { name = 'default', rateLimitPerMinute = 100, clock = systemClock, stores = createMemoryStores({ clock }) } = options;
  const { timeoutMs, maxWaitMs, maxRetries, connectTimeoutMs, budgetWindowMs } = options;
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) {
    throw new InvalidSettingsError('name must have 1 to 32 of a to z, 0 to 9 and -');
  }
  if (!Number.isInteger(rateLimitPerMinute) || rateLimitPerMinute < 1) {
    throw new InvalidSettingsError('rateLimitPerMinute must be a whole number above zero');
  }
  if (timeoutMs !== undefined) assertNumber('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
  if (maxWaitMs !== undefined) assertNumber('maxWaitMs', maxWaitMs, 0, Number.POSITIVE_INFINITY);
  if (maxRetries !== undefined) assertNumber('maxRetries', maxRetries, 0, 10);
  if (connectTimeoutMs !== undefined) assertNumber('connectTimeoutMs', connectTimeoutMs, 1, MAX_TIMEOUT_MS);
  if (budgetWindowMs !== undefined) assertNumber('budgetWindowMs', budgetWindowMs, 1, 3_600_000);
  for (const hook of ['onDrift', 'onRequest', 'onResponse', 'onCall'] as const) {
    if (options[hook] !== undefined && typeof options[hook] !== 'function') {
      throw new InvalidSettingsError(`${hook} must be a function`);
    }
  }
  const baseUrl = setting('baseUrl', options.baseUrl, 'KPAY_BASE_URL') ?? { text: KPAY_URL, named: 'baseUrl' };
  parseBaseUrl(baseUrl.text, baseUrl.named);
  assertNetwork(options);
  const keys = keysOf(options, options.environment);
  return { ...options, ...keys, name, baseUrl: baseUrl.text, rateLimitPerMinute, clock, stores };
}

/** @throws InvalidSettingsError */
function assertNetwork({ proxy, ca, dispatcher, ipv4Only, connectTimeoutMs }: KpayOptions): void {
  if (proxy !== undefined && proxy !== false && typeof proxy !== 'string') {
    throw new InvalidSettingsError(`proxy must be the address of a proxy, or false for none, not ${kindOf(proxy)}`);
  }
  for (const certificate of ca === undefined ? [] : [ca].flat()) {
    if (!String(certificate).includes('-----BEGIN CERTIFICATE-----')) {
      throw new InvalidSettingsError('ca must be a certificate in PEM, or an array of them');
    }
  }
  if (ipv4Only !== undefined && typeof ipv4Only !== 'boolean') throw new InvalidSettingsError('ipv4Only must be true or false');
  if (dispatcher === undefined) return;
  if (typeof dispatcher?.dispatch !== 'function')
    throw new InvalidSettingsError("dispatcher must be one of undici's dispatchers");
  if (proxy || ca !== undefined || ipv4Only !== undefined || connectTimeoutMs !== undefined) {
    throw new InvalidSettingsError('dispatcher decides how to connect: leave out proxy, ca, ipv4Only and connectTimeoutMs');
  }
}

/** The proxy to an address: the given one, else that of the environment. */
function proxyTo(baseUrl: string, { proxy, dispatcher }: KpayOptions): string | undefined {
  if (proxy === false || dispatcher !== undefined) return undefined;
  return proxy === undefined ? proxyOf(process.env, baseUrl)?.url : parseProxy(proxy, 'proxy');
}

/** Checks a pair of keys. One that is not given is looked for in the environment. */
function keysOf(keys: Pick<KpayOptions, 'apiKey' | 'secretKey'>, expected: Environment | undefined) {
  const apiKey = setting('apiKey', keys.apiKey, 'KPAY_API_KEY');
  const secretKey = setting('secretKey', keys.secretKey, 'KPAY_SECRET_KEY');
  if (!apiKey) throw new InvalidSettingsError('apiKey is missing: give it, or set KPAY_API_KEY');
  if (!secretKey) throw new InvalidSettingsError('secretKey is missing: give it, or set KPAY_SECRET_KEY');
  const environment = environmentOf(apiKey.text, apiKey.named);
  assertEnvironment(environment, expected, apiKey.named);
  return { apiKey: apiKey.text, secretKey: secretKey.text, environment };
}

/** A text and what it is called in an error: the option, and the variable that it came from. */
function setting(option: string, given: unknown, variable: string): { text: string; named: string } | undefined {
  if (given === undefined) {
    const text = process.env[variable]?.trim();
    return text ? assertLine({ text, named: `${option} (from ${variable})` }) : undefined;
  }
  if (typeof given !== 'string') throw new InvalidSettingsError(`${option} must be a string, not ${kindOf(given)}`);
  return assertLine({ text: given, named: option });
}

/** What goes into a header or an address: a line break in it would be another header. */
function assertLine(setting: { text: string; named: string }): { text: string; named: string } {
  if (!/^[\x21-\x7e]{1,2000}$/.test(setting.text)) {
    throw new InvalidSettingsError(`${setting.named} must have 1 to 2,000 printable ASCII characters and no spaces`);
  }
  return setting;
}

/** What one pair of keys opens. */
interface Access {
  client: KpayClient;
  budget: Budget;
  observations: Observations;
}

function openAccess(settings: Settings, earlier?: Observations): Access {
  const { apiKey, secretKey, baseUrl, clock, stores, maxAgeMs, rateLimitPerMinute, budgetWindowMs = 60_000 } = settings;
  const { maxWaitMs = 60_000 } = settings;
  const budget = createBudget({
    store: stores.budget(digest(apiKey)),
    clock,
    limit: rateLimitPerMinute,
    windowMs: budgetWindowMs,
  });
  const store = stores.shared(digest(`${baseUrl} ${apiKey}`), createSeal(secretKey));
  const { timeoutMs: totalTimeoutMs, maxRetries = 2 } = settings;
  const client = createKpayClient({
    ...settings,
    totalTimeoutMs,
    maxRetries,
    proxyUrl: proxyTo(baseUrl, settings),
    budget,
    tokens: store,
  });
  const observations = createObservations({ client, store, clock, maxAgeMs, maxWaitMs, earlier });
  return { client, budget, observations };
}

/** What answers at once and asks nobody. */
const SYNCHRONOUS: ReadonlySet<string> = new Set(['maxAgeOf', 'lastFailure', 'close']);

/** An object whose methods are those of what `now` answers at each call, also for those who hold only a method. */
function follow<T extends object>(first: T, now: () => T, isClosed: () => boolean): T {
  type Method = (...args: unknown[]) => unknown;
  const methods = Object.keys(first).map((name) => {
    const method: Method = (...args) =>
      isClosed() && !SYNCHRONOUS.has(name)
        ? Promise.reject(new ClosedError())
        : (now() as Record<string, Method>)[name]?.(...args);
    return [name, method];
  });
  return Object.fromEntries(methods) as T;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

// The way in before 0.2, for one minor version more.

/** @deprecated KpayOptions */
export interface AccountSettings extends Keys {
  /** What the account is called, `[a-z0-9-]{1,32}`. */
  name: string;
  /** KPay's address. */
  baseUrl: string;
  /** What the API key must be for. */
  environment: Environment;
  /** Of the proxy to KPay; straight unless given. */
  proxyUrl?: string | undefined;
  /** What KPay allows in a minute, for all processes together: 100 unless given. */
  rateLimitPerMinute?: number | undefined;
  /** Milliseconds; one minute unless given. */
  budgetWindowMs?: number | undefined;
}

/** @deprecated KpayOptions */
export type AccountOptions = Pick<
  KpayOptions,
  'clock' | 'connectTimeoutMs' | 'ipv4Only' | 'maxAgeMs' | 'stores' | 'onDrift' | 'onRequest' | 'onResponse' | 'onCall'
> & {
  /** From sending a request to the end of its answer, in milliseconds. */
  totalTimeoutMs?: number | undefined;
};

/** What a service needs of a Kpay, as an interface: a test can stand in for a part of it. */
export interface KpayAccount
  extends Pick<
    Kpay,
    'name' | 'baseUrl' | 'environment' | 'rateLimitPerMinute' | 'client' | 'budget' | 'observations' | 'clock' | 'close'
  > {
  /** As `Kpay.changeKeys`. */
  changeKeys(keys: Keys, check: (candidate: KpayAccount) => Promise<void>): Promise<void>;
}

/**
 * Opens an account whose calls wait for the budget without end, and whose reads are not asked again by themselves.
 * @deprecated `new Kpay(options)`
 * @throws InvalidSettingsError when they cannot work; nothing is sent yet.
 */
export function openKpayAccount(settings: AccountSettings, options: AccountOptions = {}): Kpay {
  const { name, apiKey, secretKey, baseUrl, environment, proxyUrl, rateLimitPerMinute, budgetWindowMs } = settings;
  const { totalTimeoutMs: timeoutMs, ...others } = options;
  const account = { name, apiKey, secretKey, baseUrl, environment, rateLimitPerMinute, budgetWindowMs };
  const waits = { timeoutMs, maxWaitMs: Number.POSITIVE_INFINITY, maxRetries: 0 };
  return new Kpay({ ...account, ...others, ...waits, proxy: proxyUrl ?? false });
}
