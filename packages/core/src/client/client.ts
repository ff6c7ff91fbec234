import { assertCurrency, assertFields, assertNoMore, assertNumber, assertText } from '../arguments.ts';
import type { Budget, BudgetSlot } from '../budget.ts';
import {
  ClosedError,
  InvalidArgumentError,
  InvalidSettingsError,
  KpayAbortError,
  type KpayError,
  OutcomeUnknownError,
  RejectedError,
  RetryableError,
} from '../errors.ts';
import type { Currency } from '../money/catalogue.ts';
import type { SharedStore } from '../stores/shared-store.ts';
import { createSharedValue } from '../stores/shared-value.ts';
import type { Urgency } from '../stores/urgency.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { assertCallOptions, type CallOptions, type InnerCallOptions } from './call-options.ts';
import { createDriftReporter, type Drift } from './drift.ts';
import {
  availabilityEndpoint,
  balanceEndpoint,
  type CountryAvailability,
  type Endpoint,
  type ExchangeRate,
  exchangeRateEndpoint,
  type GrantedToken,
  type Me,
  meEndpoint,
  type PredictedProvider,
  predictProviderEndpoint,
  tokenEndpoint,
} from './endpoints.ts';
import { type CertificateAuthorities, createHttp, type Exchange, type HttpDispatcher, type HttpRequest } from './exchange.ts';
import { type CallOutcome, createTeller, type Hooks, quietly, requestIdOf } from './hooks.ts';
import {
  failureOfRead,
  failureOfTransfer,
  notCompleted,
  type OutcomeContext,
  unreadableRead,
  unreadableReceipt,
} from './outcomes.ts';
import { parseRetryAfterMs } from './retry-after.ts';
import { retryRead } from './retry-reads.ts';
import { createTokenSource, type HeldToken } from './tokens.ts';
import { assertTransferFields, type TransferFields, transferBody } from './transfer-body.ts';
import { parseReceipt, type TransferReceipt } from './transfer-receipt.ts';
import { VERSION } from './version.ts';
import type { WalletBalance } from './wallet-balance.ts';

/** Which wallets a key moves: `TEST` (`kpay_test_…`, no real money) or `PRODUCTION` (`kpay_live_…`). */
export type Environment = 'TEST' | 'PRODUCTION';

/** How `createKpayClient` makes a client. */
export interface KpayClientOptions extends Hooks {
  /** https://admin.kpay.site, or the simulator's address. */
  baseUrl: string;
  /** The API key, `kpay_test_…` or `kpay_live_…`. */
  apiKey: string;
  /** The secret key that belongs to it. */
  secretKey: string;
  /** What the key must be for: kpay_live_ keys need PRODUCTION, kpay_test_ keys TEST. */
  environment: Environment;
  /** What each request takes a slot of first. */
  budget: Budget;
  /** Where the token is kept for all who share it. */
  tokens: SharedStore;
  /** Time; the machine's unless given. */
  clock?: Clock | undefined;
  /** How long to try to connect, in milliseconds: 5,000 unless given. */
  connectTimeoutMs?: number | undefined;
  /** From the call to the end of the answer, the connecting included, waiting for budget not: 20 s unless given. */
  totalTimeoutMs?: number | undefined;
  /** How long a call waits for a place in the budget: one minute unless given. */
  maxWaitMs?: number | undefined;
  /** How often a read that failed is asked again: never unless given. A transfer is never sent again by itself. */
  maxRetries?: number | undefined;
  /** Where IPv6 connections to KPay time out. */
  ipv4Only?: boolean | undefined;
  /** Of the proxy to go through, such as `http://user:password@proxy.example:3128`; straight unless given. */
  proxyUrl?: string | undefined;
  /** PEM certificates that are trusted beside Node's own. */
  ca?: CertificateAuthorities | undefined;
  /** Of undici, which sends instead of connections of this client's own. */
  dispatcher?: HttpDispatcher | undefined;
  /** Told once of each way in which an answer of KPay's differs from what is documented. */
  onDrift?: ((drift: Drift) => void) | undefined;
}

/** How `TransferPermit.send` sends. */
export interface SendOptions {
  /** By the clock's monotonicMs. */
  leaseExpiresAtMs: number;
  /** What `Budget.seed` calls this send in a later process or another one: it is counted once then. */
  attempt?: string | undefined;
}

/**
 * A token and a budget slot in hand: the right to send one transfer. Use it or release it; its slot is held for a
 * minute otherwise.
 */
export interface TransferPermit {
  /**
   * Sends a transfer, once. `body` is the text of transferBody, the same for every send of the transfer.
   * `leaseExpiresAtMs`, by the clock's monotonicMs, is until when the caller may send. Nothing is written unless that
   * lease and the slot's have the total timeout left in the moment of writing.
   *
   * @throws RejectedError 400, 401 (the token is forgotten), 403, 404, 409 or 422: this call did nothing.
   * @throws RetryableError `rate_limited`, `not_connected` or `lease_too_short`: this call did nothing.
   * @throws OutcomeUnknownError for everything else: it may have moved money.
   */
  send(body: string, options: SendOptions): Promise<TransferReceipt>;
  /** Gives the slot back unsent. Does nothing after a send. */
  release(): Promise<void>;
}

/**
 * A client for KPay's Utilities endpoints and the transfer between wallets. Every request takes a slot of the budget
 * in `lane` first.
 *
 * The reads throw RejectedError (KPay said no), or RetryableError (nothing to lose: try later).
 */
export interface KpayClient {
  /** Who the keys belong to (KPay's page, "Application information"). */
  me(options?: CallOptions): Promise<Me>;
  /** What one unit of `from` is in units of `to`; ISO 4217 codes (page, "Exchange rate"). KPay caches it for an hour. */
  exchangeRate(from: Currency, to: Currency, options?: CallOptions): Promise<ExchangeRate>;
  /** Which operator a number belongs to, in national or international format (page, "Guess the operator of a number"). */
  predictProvider(phoneNumber: string, options?: CallOptions): Promise<PredictedProvider>;
  /** The status of each operator (page, "Operator availability"). KPay caches it for a minute. */
  availability(options?: CallOptions): Promise<CountryAvailability[]>;
  /** The balance of the application's wallets, one row a currency or more (page, "Check wallet balance"). */
  balance(options?: CallOptions): Promise<WalletBalance[]>;
  /** A bearer token good for two minutes or more, from the cache when it can be. It is a secret. */
  accessToken(options?: CallOptions): Promise<string>;
  /**
   * The `application.id` of the keys, which a transfer is of: asked once a day for all who share the store.
   * @throws as a read; InvalidSettingsError when KPay says that the keys are of another environment.
   */
  applicationId(options?: CallOptions): Promise<string>;
  /** First of the two steps of a transfer that a ledger stands between: all that can be waited for, before it. */
  prepareTransfer(options?: CallOptions): Promise<TransferPermit>;
  /**
   * Both steps at once, for those who keep the request themselves; a 401 is tried once more with a new token.
   * @throws as TransferPermit.send. After OutcomeUnknownError send the same fields again, never with another externalId.
   */
  transfer(fields: TransferFields, options?: CallOptions): Promise<TransferReceipt>;
  /**
   * Lets requests under way end, and closes the connections. All that waits ends with `reason`, and so does every later
   * call: a ClosedError unless given.
   */
  close(reason?: KpayError): Promise<void>;
}

/**
 * @deprecated Kpay
 * @throws InvalidSettingsError when key, environment and address cannot go together; no key is in the message.
 */
export function createKpayClient(options: KpayClientOptions): KpayClient {
  const { apiKey, secretKey, budget, environment, clock = systemClock } = options;
  const { totalTimeoutMs = 20_000, maxWaitMs = 60_000, maxRetries = 0 } = options;
  assertEnvironment(environmentOf(apiKey), environment);
  const base = parseBaseUrl(options.baseUrl);
  const http = createHttp({
    origin: base.origin,
    clock,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    ipv4Only: options.ipv4Only ?? false,
    proxyUrl: options.proxyUrl,
    ca: options.ca,
    dispatcher: options.dispatcher,
  });
  const closing = new AbortController();
  const secrets = [apiKey, secretKey];
  const keyHeaders = { 'x-api-key': apiKey, 'x-secret-key': secretKey };
  const report = createDriftReporter(quietly(options.onDrift));
  const tell = createTeller(options, new URL(base.origin));
  const tokens = createTokenSource({ store: options.tokens, clock, request: (urgency) => requestToken(urgency) });

  /** Sends one request on a slot and settles it. `judge` turns the exchange into the answer, or throws. */
  async function call<T>(
    endpoint: string,
    slot: BudgetSlot,
    request: Pick<HttpRequest, 'method' | 'body' | 'signal' | 'mayWrite' | 'timeoutMs'> & {
      path: string;
      headers: Record<string, string>;
      attempt: number;
    },
    judge: (exchange: Exchange, context: OutcomeContext) => T,
  ): Promise<T> {
    const { method, attempt } = request;
    const path = base.prefix + request.path;
    const told = tell({ endpoint, attempt, method, path, requestId: request.headers['x-request-id'] });
    const startedMs = clock.monotonicMs();
    const headers = {
      'user-agent': USER_AGENT,
      ...request.headers,
      accept: 'application/json',
      'x-request-id': told.requestId,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const exchange = await http.exchange({ ...request, path, headers });
    const retryAfterMs = settle(slot, exchange, clock);
    try {
      const answer = judge(exchange, { endpoint, secrets, retryAfterMs, requestId: requestIdOf(exchange, told.requestId) });
      told.ended(exchange, 'ok', clock.monotonicMs() - startedMs);
      return answer;
    } catch (error) {
      told.ended(exchange, outcomeOf(error), clock.monotonicMs() - startedMs);
      throw error;
    }
  }

  /** Waits for a slot until the caller or the client stops. */
  async function takeSlot(options: InnerCallOptions): Promise<BudgetSlot> {
    const { urgency, lane = urgency?.lane ?? 'people', signal } = options;
    return budget.take(lane, {
      urgency,
      signal: signal ? AbortSignal.any([closing.signal, signal]) : closing.signal,
      // Whoever waits for it leaves by its own patience.
      maxWaitMs: urgency ? Number.POSITIVE_INFINITY : (options.maxWaitMs ?? maxWaitMs),
    });
  }

  function assertOpen(): void {
    if (closing.signal.aborted) throw closing.signal.reason;
  }

  async function read<T>(
    endpoint: Endpoint<T>,
    { query = '', body }: { query?: string; body?: object },
    options: InnerCallOptions,
  ): Promise<T> {
    return retryRead((attempt, leftMs) => readOnce(endpoint, { query, body }, { ...options, maxWaitMs: leftMs }, attempt), {
      maxRetries,
      maxWaitMs: options.maxWaitMs ?? maxWaitMs,
      signal: options.signal,
      clock,
      random: Math.random,
    });
  }

  async function readOnce<T>(
    endpoint: Endpoint<T>,
    { query, body }: { query: string; body: object | undefined },
    options: InnerCallOptions,
    attempt: number,
  ): Promise<T> {
    const slot = await takeSlot(options);
    const request = {
      method: endpoint.method,
      path: endpoint.path + query,
      headers: { ...lowerCase(options.headers), ...keyHeaders },
      body: body && JSON.stringify(body),
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? totalTimeoutMs,
      attempt,
    };
    return call(endpoint.name, slot, request, (exchange, context) => {
      const failure = failureOfRead(exchange, context);
      if (failure || exchange.kind !== 'answered') throw failure;
      try {
        return endpoint.parse(exchange.text, report);
      } catch (error) {
        throw unreadableRead(error, exchange.status, context);
      }
    });
  }

  async function requestToken(urgency: Urgency): Promise<GrantedToken> {
    const token = await read(tokenEndpoint, { body: {} }, { urgency });
    if (token.environment !== null && token.environment !== environment) {
      const detail = `the token is for ${token.environment}, and the API key for ${environment}`;
      throw new RejectedError(`token: ${detail}`, { status: 201, detail });
    }
    return token;
  }

  async function prepare(given: CallOptions, attempt: number): Promise<TransferPermit> {
    const options = { ...given, lane: given.lane ?? 'money' };
    const token = {
      lane: options.lane,
      signal: options.signal,
      leaveAfterMs: (options.maxWaitMs ?? maxWaitMs) + (options.timeoutMs ?? totalTimeoutMs),
    };
    // The token first: waiting for it must not eat into the slot's lease. Waiting for the slot can outlast a token.
    for (let tries = 0; tries < 3; tries += 1) {
      const held = await tokens.get(token);
      const slot = await takeSlot(options);
      if (held.stillGood()) return permitOf(held, slot, options, attempt);
      slot.unsent();
    }
    throw new RetryableError('tokens expire faster than budget comes', { reason: 'no_budget' });
  }

  function permitOf(token: HeldToken, slot: BudgetSlot, options: CallOptions, attemptNumber: number): TransferPermit {
    const timeoutMs = options.timeoutMs ?? totalTimeoutMs;
    let spent = false;

    async function send(body: string, sending: SendOptions): Promise<TransferReceipt> {
      assertSend(body, sending);
      if (spent) throw new InvalidArgumentError('permit', 'was used before: prepare another transfer');
      spent = true;
      const { leaseExpiresAtMs, attempt } = sending;
      if (closing.signal.aborted) slot.unsent();
      assertOpen();
      if (attempt !== undefined) slot.sentAs(attempt);
      const request = {
        method: 'POST' as const,
        path: '/api/wallets/transfer',
        headers: { ...lowerCase(options.headers), authorization: `Bearer ${token.accessToken}` },
        body,
        timeoutMs,
        attempt: attemptNumber,
        mayWrite: () => {
          const nowMs = clock.monotonicMs();
          return Math.min(leaseExpiresAtMs, slot.leaseExpiresAtMs) >= nowMs + timeoutMs && token.expiresAtMs > nowMs;
        },
      };
      return call('transfer', slot, request, (exchange, context) => judgeTransfer(body, exchange, context));
    }

    function judgeTransfer(body: string, exchange: Exchange, withoutToken: OutcomeContext): TransferReceipt {
      const context = { ...withoutToken, secrets: [...secrets, token.accessToken] };
      const failure = failureOfTransfer(exchange, context);
      // Not waited for: a store out of reach must not hold up KPay's answer.
      if (failure instanceof RejectedError && failure.status === 401) token.forget().catch(() => {});
      if (failure || exchange.kind !== 'answered') throw failure;
      const receipt = readReceipt(body, exchange.text, context);
      if (receipt.notCompleted !== null) throw notCompleted(receipt.notCompleted, receipt.id, context);
      return receipt;
    }

    function readReceipt(body: string, text: string, context: OutcomeContext): TransferReceipt {
      try {
        const receipt = parseReceipt(text, context.secrets, report);
        const { externalId } = JSON.parse(body) as { externalId?: unknown };
        if (receipt.externalId !== null && typeof externalId === 'string' && receipt.externalId !== externalId) {
          throw new Error('it is about another externalId');
        }
        return receipt;
      } catch (error) {
        throw unreadableReceipt(text, error, context);
      }
    }

    return {
      send,
      async release() {
        if (spent) return;
        spent = true;
        slot.unsent();
      },
    };
  }

  async function sendOnce(body: string, options: CallOptions, attempt: number): Promise<TransferReceipt> {
    const permit = await prepare(options, attempt);
    return permit.send(body, { leaseExpiresAtMs: Number.POSITIVE_INFINITY });
  }

  async function me(options: InnerCallOptions): Promise<Me> {
    const answer = await read(meEndpoint, {}, options);
    if (answer.environment === environment) applicationId = answer.application.id;
    return answer;
  }

  const application = createSharedValue({ store: options.tokens, key: 'application', clock });
  let applicationId: string | undefined;

  /** The application of the keys, asked once for all who share the store: it is the same as long as the key is. */
  async function askApplicationId({ lane = 'money', ...options }: CallOptions): Promise<string> {
    const refresh = async (urgency: Urgency) => {
      const answer = await me({ urgency });
      if (answer.environment === environment) return { text: answer.application.id, keepMs: APPLICATION_KEPT_MS };
      throw new InvalidSettingsError(`apiKey is for ${environment}, and KPay says that it is for ${answer.environment}`);
    };
    const leaveAfterMs = (options.maxWaitMs ?? maxWaitMs) + totalTimeoutMs;
    applicationId ??= (await application.get({ isFresh: () => true, refresh, lane, signal: options.signal, leaveAfterMs })).text;
    return applicationId;
  }

  /** The text of a transfer. All that can be wrong with the fields is told before KPay is asked for anything. */
  async function bodyOf(fields: TransferFields, options: CallOptions): Promise<string> {
    assertTransferFields(fields);
    const given = fields.applicationId;
    if (given !== undefined && applicationId !== undefined && given !== applicationId) {
      throw new InvalidArgumentError('applicationId', `must be ${applicationId}: the keys are of that application`);
    }
    const known = given ?? applicationId;
    const body = transferBody({ ...fields, applicationId: known ?? '' });
    return known === undefined ? transferBody({ ...fields, applicationId: await askApplicationId(options) }) : body;
  }

  /** Checks what a caller in JavaScript can get wrong. */
  function checked<T extends CallOptions>(call: string, options: T | undefined, surplus: readonly unknown[]): T | CallOptions {
    assertOpen();
    assertNoMore(call, surplus);
    if (options === undefined) return {};
    assertCallOptions(options);
    return options;
  }

  return {
    me: async (options?: CallOptions, ...surplus: unknown[]) => me(checked('me', options, surplus)),
    async exchangeRate(from: string, to: string, options?: CallOptions, ...surplus: unknown[]) {
      const call = checked('exchangeRate', options, surplus);
      assertCurrency('from', from);
      assertCurrency('to', to);
      return read(exchangeRateEndpoint({ from, to }), { query: `?${new URLSearchParams({ from, to })}` }, call);
    },
    async predictProvider(phoneNumber: string, options?: CallOptions, ...surplus: unknown[]) {
      const call = checked('predictProvider', options, surplus);
      assertPhoneNumber(phoneNumber);
      return read(predictProviderEndpoint(phoneNumber), { body: { phoneNumber } }, call);
    },
    availability: async (options?: CallOptions, ...surplus: unknown[]) =>
      read(availabilityEndpoint, {}, checked('availability', options, surplus)),
    balance: async (options?: CallOptions, ...surplus: unknown[]) =>
      read(balanceEndpoint, {}, checked('balance', options, surplus)),
    async accessToken(options?: CallOptions, ...surplus: unknown[]) {
      const { lane = 'people', signal, maxWaitMs: waitMs = maxWaitMs } = checked('accessToken', options, surplus);
      return (await tokens.get({ lane, signal, leaveAfterMs: waitMs + totalTimeoutMs })).accessToken;
    },
    applicationId: async (options?: CallOptions, ...surplus: unknown[]) =>
      askApplicationId(checked('applicationId', options, surplus)),
    prepareTransfer: async (options?: CallOptions, ...surplus: unknown[]) =>
      prepare(checked('prepareTransfer', options, surplus), 1),
    async transfer(fields: TransferFields, options?: CallOptions, ...surplus: unknown[]) {
      const call = checked('transfer', options, surplus);
      const body = await bodyOf(fields, call);
      try {
        return await sendOnce(body, call, 1);
      } catch (error) {
        if (error instanceof RejectedError && error.status === 401) return sendOnce(body, call, 2);
        throw error;
      }
    },
    close(reason = new ClosedError()) {
      closing.abort(reason);
      return http.close();
    },
  };
}

const APPLICATION_KEPT_MS = 24 * 60 * 60_000;
const USER_AGENT = `kpay-core/${VERSION} node/${process.versions.node}`;

function lowerCase(headers: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  return headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof RetryableError || error instanceof OutcomeUnknownError) return error.reason;
  return error instanceof KpayAbortError ? 'aborted' : 'rejected';
}

function assertPhoneNumber(phoneNumber: unknown): void {
  assertText('phoneNumber', phoneNumber, 40);
  // What people paste has dashes and dots of all kinds: KPay decides what it takes.
  if (phoneNumber.replace(/\D/g, '').length < 4) {
    throw new InvalidArgumentError('phoneNumber', 'must have the digits of a phone number, such as 237653456789');
  }
}

const SEND_FIELDS: ReadonlySet<string> = new Set(['leaseExpiresAtMs', 'attempt']);

function assertSend(body: unknown, options: unknown): asserts options is SendOptions {
  assertText('body', body, MAX_BODY_CHARACTERS);
  assertFields('options', options, SEND_FIELDS);
  const { leaseExpiresAtMs, attempt } = options as Record<string, unknown>;
  assertNumber('options.leaseExpiresAtMs', leaseExpiresAtMs, 0, Number.POSITIVE_INFINITY);
  if (attempt !== undefined) assertText('options.attempt', attempt, 200);
}

/** The text of a transfer is a few hundred characters. */
const MAX_BODY_CHARACTERS = 100_000;

/** Tells the budget how the request ended. Answers how long KPay asks to wait, if it does. */
function settle(slot: BudgetSlot, exchange: Exchange, clock: Clock): number | undefined {
  if (exchange.kind === 'unsent') slot.unsent();
  if (exchange.kind === 'lost') slot.unanswered();
  if (exchange.kind !== 'answered') return undefined;
  const retryAfterMs = parseRetryAfterMs(exchange.headers['retry-after'], clock.now());
  if (exchange.status === 429) return slot.rateLimited(retryAfterMs);
  slot.answered();
  return retryAfterMs;
}

/** @throws InvalidSettingsError when the prefix of the key says nothing. */
export function environmentOf(apiKey: string, named = 'apiKey'): Environment {
  if (apiKey.startsWith('kpay_live_')) return 'PRODUCTION';
  if (apiKey.startsWith('kpay_test_')) return 'TEST';
  throw new InvalidSettingsError(`${named} must start with kpay_test_ or kpay_live_`);
}

/** @throws InvalidSettingsError when the key is of another environment than expected. */
export function assertEnvironment(ofKey: Environment, expected: Environment | undefined, named = 'apiKey'): void {
  if (expected === undefined || expected === ofKey) return;
  const kind = ofKey === 'PRODUCTION' ? 'live' : 'test';
  throw new InvalidSettingsError(`${named} is a ${kind} key, so environment must be ${ofKey}, not ${expected}`);
}

/** @throws InvalidSettingsError when it is no address to send keys to. */
export function parseBaseUrl(text: string, named = 'baseUrl'): { origin: string; prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw new InvalidSettingsError(`${named} must be an http or https address without a password`);
  }
  return { origin: url.origin, prefix: url.pathname.replace(/(?<!\/)\/+$/, '') };
}
