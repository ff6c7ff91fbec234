import type { Budget, BudgetSlot, TakeOptions } from '../budget.ts';
import { InvalidSettings, OutcomeUnknown, Rejected, Retryable, type RetryableReason, type UnknownReason } from '../errors.ts';
import { assertLane, type Lane } from '../stores/budget-store.ts';
import type { SharedStore } from '../stores/shared-store.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import type { Urgency } from '../urgency.ts';
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
  type WalletBalance,
} from './endpoints.ts';
import { createHttp, type Exchange, type HttpRequest } from './exchange.ts';
import {
  failureOfRead,
  failureOfTransfer,
  notCompleted,
  type OutcomeContext,
  unreadableRead,
  unreadableReceipt,
} from './outcomes.ts';
import { parseRetryAfterMs } from './retry-after.ts';
import { createTokenSource, type HeldToken } from './tokens.ts';
import { type TransferRequestFields, transferBody } from './transfer-body.ts';
import { parseReceipt, type TransferReceipt } from './transfer-receipt.ts';

export type Environment = 'TEST' | 'PRODUCTION';

/** One request to KPay that is over, for metrics. */
export interface Call {
  endpoint: string;
  outcome: 'ok' | 'rejected' | RetryableReason | UnknownReason;
  durationMs: number;
}

export interface KpayClientOptions {
  /** https://admin.kpay.site, or the simulator's address. */
  baseUrl: string;
  apiKey: string;
  secretKey: string;
  /** What the key must be for: kpay_live_ keys need PRODUCTION, kpay_test_ keys TEST. */
  environment: Environment;
  budget: Budget;
  /** Where the token is kept for all who share it. */
  tokens: SharedStore;
  clock?: Clock | undefined;
  connectTimeoutMs?: number | undefined;
  /** From the call to the end of the answer, the connecting included, waiting for budget not. */
  totalTimeoutMs?: number | undefined;
  /** Where IPv6 connections to KPay time out. */
  ipv4Only?: boolean | undefined;
  /** Of the proxy to go through, such as `http://user:password@proxy.example:3128`; straight unless given. */
  proxyUrl?: string | undefined;
  onCall?: ((call: Call) => void) | undefined;
  onDrift?: ((drift: Drift) => void) | undefined;
}

/** In which lane a request waits for budget, and for how long. */
export interface CallOptions extends TakeOptions {
  /** `people` for a read and `money` for a transfer unless given. */
  lane?: Lane | undefined;
  /** Instead of a lane: one that can still become more urgent. */
  urgency?: Urgency | undefined;
}

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
   * @throws Rejected 400, 401 (the token is forgotten), 403, 404, 409 or 422: this call did nothing.
   * @throws Retryable `rate_limited`, `not_connected` or `lease_too_short`: this call did nothing.
   * @throws OutcomeUnknown for everything else: it may have moved money.
   */
  send(body: string, options: SendOptions): Promise<TransferReceipt>;
  /** Gives the slot back unsent. Does nothing after a send. */
  release(): Promise<void>;
}

/**
 * A client for KPay's Utilities endpoints and the transfer between wallets. Every request takes a slot of the budget
 * in `lane` first.
 *
 * The reads throw Rejected (KPay said no), or Retryable (nothing to lose: try later).
 */
export interface KpayClient {
  me(options?: CallOptions): Promise<Me>;
  /** One unit of `from` in units of `to`; ISO 4217 codes. */
  exchangeRate(from: string, to: string, options?: CallOptions): Promise<ExchangeRate>;
  /** National or international format. */
  predictProvider(phoneNumber: string, options?: CallOptions): Promise<PredictedProvider>;
  availability(options?: CallOptions): Promise<CountryAvailability[]>;
  balance(options?: CallOptions): Promise<WalletBalance[]>;
  /** A bearer token good for two minutes or more, from the cache when it can be. It is a secret. */
  accessToken(options?: CallOptions): Promise<string>;
  /** First of the two steps of a transfer that a ledger stands between: all that can be waited for, before it. */
  prepareTransfer(options?: CallOptions): Promise<TransferPermit>;
  /**
   * Both steps at once, for those who keep the request themselves; a 401 is tried once more with a new token.
   * @throws as TransferPermit.send. After OutcomeUnknown send the same fields again, never with another externalId.
   */
  transfer(fields: TransferRequestFields, options?: CallOptions): Promise<TransferReceipt>;
  /** Ends all waits for budget, lets requests under way end, and closes the connections. */
  close(): Promise<void>;
}

/** @throws InvalidSettings when key, environment and address cannot go together; no key is in the message. */
export function createKpayClient(options: KpayClientOptions): KpayClient {
  const { apiKey, secretKey, budget, environment, clock = systemClock, totalTimeoutMs = 20_000 } = options;
  assertEnvironment(apiKey, environment);
  const base = parseBaseUrl(options.baseUrl);
  const http = createHttp({
    origin: base.origin,
    clock,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    totalTimeoutMs,
    ipv4Only: options.ipv4Only ?? false,
    proxyUrl: options.proxyUrl,
  });
  const closing = new AbortController();
  const secrets = [apiKey, secretKey];
  const keyHeaders = { 'x-api-key': apiKey, 'x-secret-key': secretKey };
  const report = createDriftReporter(quietly(options.onDrift));
  const onCall = quietly(options.onCall);
  const tokens = createTokenSource({ store: options.tokens, clock, request: (urgency) => requestToken(urgency) });

  /** Sends one request on a slot and settles it. `judge` turns the exchange into the answer, or throws. */
  async function call<T>(
    endpoint: string,
    slot: BudgetSlot,
    request: Pick<HttpRequest, 'method' | 'path' | 'body' | 'signal' | 'mayWrite'> & { headers: Record<string, string> },
    judge: (exchange: Exchange, context: OutcomeContext) => T,
  ): Promise<T> {
    const startedMs = clock.monotonicMs();
    const headers = {
      ...request.headers,
      accept: 'application/json',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const exchange = await http.exchange({ ...request, path: base.prefix + request.path, headers });
    const context = { endpoint, secrets, retryAfterMs: settle(slot, exchange, clock) };
    const tell = (outcome: Call['outcome']): void => onCall({ endpoint, outcome, durationMs: clock.monotonicMs() - startedMs });
    try {
      const answer = judge(exchange, context);
      tell('ok');
      return answer;
    } catch (error) {
      tell(error instanceof Retryable || error instanceof OutcomeUnknown ? error.reason : 'rejected');
      throw error;
    }
  }

  /** Waits for a slot until the caller or the client stops. */
  async function takeSlot({ urgency, lane = urgency?.lane ?? 'people', signal, maxWaitMs }: CallOptions): Promise<BudgetSlot> {
    return budget.take(lane, { urgency, signal: signal ? AbortSignal.any([closing.signal, signal]) : closing.signal, maxWaitMs });
  }

  async function read<T>(
    endpoint: Endpoint<T>,
    { query = '', body }: { query?: string; body?: object },
    options: CallOptions,
  ): Promise<T> {
    const slot = await takeSlot(options);
    const request = {
      method: endpoint.method,
      path: endpoint.path + query,
      headers: keyHeaders,
      body: body && JSON.stringify(body),
      signal: options.signal,
    };
    return call(endpoint.name, slot, request, (exchange, context) => {
      const failure = failureOfRead(exchange, context);
      if (failure || exchange.kind !== 'answered') throw failure;
      try {
        return endpoint.parse(exchange.text, report);
      } catch (error) {
        throw unreadableRead(error, context);
      }
    });
  }

  async function requestToken(urgency: Urgency): Promise<GrantedToken> {
    const token = await read(tokenEndpoint, { body: {} }, { urgency });
    if (token.environment !== null && token.environment !== environment) {
      const detail = `the token is for ${token.environment}, KPAY_ENVIRONMENT says ${environment}`;
      throw new Rejected(`token: ${detail}`, { status: 201, detail });
    }
    return token;
  }

  async function prepareTransfer(given: CallOptions = {}): Promise<TransferPermit> {
    const options = { ...given, lane: given.lane ?? 'money' };
    assertLane(options.lane);
    // The token first: waiting for it must not eat into the slot's lease. Waiting for the slot can outlast a token.
    for (let tries = 0; tries < 3; tries += 1) {
      const token = await tokens.get(options);
      const slot = await takeSlot(options);
      if (token.stillGood()) return permitOf(token, slot);
      slot.unsent();
    }
    throw new Retryable('tokens expire faster than budget comes', { reason: 'no_budget' });
  }

  function permitOf(token: HeldToken, slot: BudgetSlot): TransferPermit {
    let spent = false;

    async function send(body: string, { leaseExpiresAtMs, attempt }: SendOptions): Promise<TransferReceipt> {
      if (spent) throw new Error('this permit was used before');
      spent = true;
      if (attempt !== undefined) slot.sentAs(attempt);
      const request = {
        method: 'POST' as const,
        path: '/api/wallets/transfer',
        headers: { authorization: `Bearer ${token.accessToken}` },
        body,
        mayWrite: () => {
          const nowMs = clock.monotonicMs();
          return Math.min(leaseExpiresAtMs, slot.leaseExpiresAtMs) >= nowMs + totalTimeoutMs && token.expiresAtMs > nowMs;
        },
      };
      return call('transfer', slot, request, (exchange, context) => judgeTransfer(body, exchange, context));
    }

    function judgeTransfer(body: string, exchange: Exchange, withoutToken: OutcomeContext): TransferReceipt {
      const context = { ...withoutToken, secrets: [...secrets, token.accessToken] };
      const failure = failureOfTransfer(exchange, context);
      // Not waited for: a store out of reach must not hold up KPay's answer.
      if (failure instanceof Rejected && failure.status === 401) token.forget().catch(() => {});
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

  async function sendOnce(body: string, options: CallOptions): Promise<TransferReceipt> {
    const permit = await prepareTransfer(options);
    return permit.send(body, { leaseExpiresAtMs: Number.POSITIVE_INFINITY });
  }

  return {
    me: (options = {}) => read(meEndpoint, {}, options),
    exchangeRate: (from, to, options = {}) =>
      read(exchangeRateEndpoint({ from, to }), { query: `?${new URLSearchParams({ from, to })}` }, options),
    predictProvider: (phoneNumber, options = {}) =>
      read(predictProviderEndpoint(phoneNumber), { body: { phoneNumber } }, options),
    availability: (options = {}) => read(availabilityEndpoint, {}, options),
    balance: (options = {}) => read(balanceEndpoint, {}, options),
    async accessToken({ lane = 'people', signal } = {}) {
      assertLane(lane);
      return (await tokens.get({ lane, signal })).accessToken;
    },
    prepareTransfer,
    async transfer(fields, options = {}) {
      const body = transferBody(fields);
      try {
        return await sendOnce(body, options);
      } catch (error) {
        if (error instanceof Rejected && error.status === 401) return sendOnce(body, options);
        throw error;
      }
    },
    close() {
      closing.abort(new Error('the client is closed'));
      return http.close();
    },
  };
}

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

function assertEnvironment(apiKey: string, environment: Environment): void {
  const needed = apiKey.startsWith('kpay_live_') ? 'PRODUCTION' : apiKey.startsWith('kpay_test_') ? 'TEST' : undefined;
  if (needed === undefined) throw new InvalidSettings('the API key (KPAY_API_KEY) must start with kpay_test_ or kpay_live_');
  if (needed === environment) return;
  const kind = needed === 'PRODUCTION' ? 'live' : 'test';
  throw new InvalidSettings(`a ${kind} API key needs KPAY_ENVIRONMENT=${needed}, but it is ${environment}`);
}

function parseBaseUrl(text: string): { origin: string; prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw new InvalidSettings('the base URL (KPAY_BASE_URL) must be an http or https address without a password');
  }
  return { origin: url.origin, prefix: url.pathname.replace(/(?<!\/)\/+$/, '') };
}

/** A listener for metrics that throws must not turn a receipt into an error. */
function quietly<T>(listener: ((event: T) => void) | undefined): (event: T) => void {
  return (event) => {
    try {
      listener?.(event);
    } catch {
      // It is the listener's to notice.
    }
  };
}
