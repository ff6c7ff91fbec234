import * as z from 'zod';
import { Refusal } from '../model/answer.ts';
import {
  ApiKeySchema,
  type Application,
  type ApplicationSpec,
  ApplicationSpecSchema,
  simulatorApplicationId,
} from '../model/application.ts';
import { decimalsOf } from '../model/catalogue.ts';
import { checkMoney } from '../model/check-money.ts';
import { formatMinor } from '../model/decimal.ts';
import type { FaultBook, FaultRule, FaultRuleState } from '../model/faults.ts';
import type { Kpay } from '../model/kpay.ts';
import { parseInput } from '../model/parse-input.ts';
import type { RateLimit, RateLimitSettings } from '../model/rate-limit.ts';
import type { RequestCounts, RequestLog, RequestRecord } from '../model/request-log.ts';
import type { TokenMint } from '../model/tokens.ts';
import type { TransferRecord } from '../model/truth-event.ts';
import { WalletSpecSchema } from '../model/wallets.ts';

const applicationId = z.string().optional();
const keepCache = z.boolean().default(false);
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code');

const BalanceSchema = WalletSpecSchema.extend({
  /** Whose wallet; the application that is always there unless given. */
  applicationId,
});
const RateSchema = z.strictObject({
  /** ISO 4217, such as `XAF`. */
  from: currency,
  /** ISO 4217, such as `XOF`. */
  to: currency,
  /** Units of `to` for one of `from`. */
  rate: z.number().positive().max(1e9),
  /** The endpoint goes on showing the old rate until its hour is over, while transfers use the new one; false unless given. */
  keepCache,
});
const AvailabilitySchema = z.strictObject({
  /** ISO 3166-1 alpha-3; one that is new is added. */
  country: z.string().min(1),
  /** A provider code, such as `ORANGE_CMR`; one that is new is added. */
  provider: z.string().min(1),
  /** `DEPOSIT`, `PAYOUT`, `REMITTANCE`, or one that nobody documented. */
  operationType: z.string().min(1),
  /** `OPERATIONAL`, `DELAYED`, `CLOSED`, or one that nobody documented. */
  status: z.string().min(1),
  /** The endpoint goes on showing the old status until its minute is over; false unless given. */
  keepCache,
});
const TimeScaleSchema = z.number().positive().max(100_000);
const MAX_ADVANCE_MS = 10 * 365 * 24 * 3_600_000;
const AdvanceSchema = z.number().nonnegative().max(MAX_ADVANCE_MS);
const LimitSchema = z.strictObject({
  /** Requests a window for each key. */
  limit: z.int().positive().optional(),
  /** Before the scale of time. */
  windowMs: z.number().positive().optional(),
  /** Whether a 429 says how long to wait. */
  retryAfter: z.boolean().optional(),
});
const UndoSchema = z.strictObject({
  /** KPay's id of a completed transfer. */
  id: z.string(),
  /** How it ends. */
  status: z.enum(['FAILED', 'CANCELLED']),
});
const RotateKeysSchema = z.strictObject({
  /** The application that is always there unless given. */
  applicationId,
  /** Its new key. */
  apiKey: ApiKeySchema,
  /** Its new secret. */
  secretKey: z.string().min(1),
});
const page = z.coerce.number().int().nonnegative().optional();
const TruthQuerySchema = z.strictObject({
  /** At most so many of the latest requests. */
  requests: page,
  /** Only requests with a higher `sequence`. */
  requestsAfter: page,
  /** At most so many transfers. */
  transfers: page,
  /** Only transfers with a higher `sequence`. */
  transfersAfter: page,
  /** Only what has this externalId. */
  externalId: z.string().optional(),
});

/** A wallet to set. */
export type BalanceChange = z.input<typeof BalanceSchema>;
/** A rate to set. */
export type RateChange = z.input<typeof RateSchema>;
/** A status of an operator to set. */
export type AvailabilityChange = z.input<typeof AvailabilitySchema>;
/** What to change of the limit. What is left out stays as it is. */
export type LimitChange = z.input<typeof LimitSchema>;
/** A transfer to undo. */
export type TransferUndoing = z.input<typeof UndoSchema>;
/** New keys for an application. */
export type KeyRotation = z.input<typeof RotateKeysSchema>;
/** Paging of the truth: at most so many, and only those with a higher `sequence`. */
export type TruthQuery = z.input<typeof TruthQuerySchema>;

/** A wallet as it truly is. Amounts are decimal text in its currency. */
export interface WalletTruth {
  /** Whose wallet it is. */
  applicationId: string;
  /** ISO 3166-1 alpha-3. */
  country: string;
  /** ISO 4217. */
  currency: string;
  /** All that is in it. */
  balance: string;
  /** What of it is held for running withdrawals. */
  reservedBalance: string;
  /** What transfers can take: balance less reserve. */
  availableBalance: string;
}

/** What really happened, whatever clients were told. */
export interface Truth {
  /** Every transfer that moved money. */
  transfers: TransferRecord[];
  /** How many there are of them, whatever the query. */
  transferCount: number;
  /** Every wallet of every application. */
  wallets: WalletTruth[];
  /** Of each application: ids that are answered 409 without a transfer. */
  burntIds: { applicationId: string; externalId: string }[];
  /** The latest requests, oldest first. */
  requests: RequestRecord[];
  /** Counts of all requests. */
  requestCounts: RequestCounts;
  /** Whether money is conserved. */
  money: MoneyCheck;
}

/** Whether money is conserved: each wallet holds what came in less what went out, and no externalId moved money twice. */
export interface MoneyCheck {
  /** False when there are problems. */
  conserved: boolean;
  /** One sentence for each thing that is wrong. */
  problems: string[];
}

/** The answer to `addApplication`. */
export interface AddedApplication {
  /** The application's id, which transfers take as `applicationId`. */
  id: string;
  /** Its API key. */
  apiKey: string;
  /** The id of its company. */
  companyId: string;
  /** `TEST` or `PRODUCTION`, by its key. */
  environment: string;
}

/**
 * Changes a simulated KPay and looks at it. The same operations are under /__sim for other processes. Each throws a Refusal that
 * names the field when its input cannot be used.
 */
export interface Control {
  /** Sets one wallet; makes it when the application has none there. COD needs the currency. @returns it as it is then. */
  setBalance(input: BalanceChange): WalletTruth;
  /** Sets the rate of one direction; the other one keeps its rate. */
  setRate(input: RateChange): void;
  /** Sets the status of one operation of one operator. What is not there yet is added, as KPay may do. */
  setAvailability(input: AvailabilityChange): void;
  /** 20: token lifetime, limit window and caches run out 20 times faster. Delays of faults are real milliseconds. */
  setTimeScale(timeScale: number): void;
  /** The simulated time goes on by these milliseconds at once: tokens, windows and caches run out. @returns that time. */
  advanceClock(ms: number): { now: string };
  /** Whether rates (an hour) and availability (a minute) are cached as at KPay. */
  setCaching(caching: boolean): void;
  /** Changes the limit of requests for all keys without one of their own. @returns all of it. */
  setLimit(input: LimitChange): RateLimitSettings;
  /** Adds an application. Its ids are made from its key unless given. Refusal 409 when its key or id is there already. */
  addApplication(spec: ApplicationSpec): AddedApplication;
  /** The application's old keys are answered 401 from now on, as are its tokens and those of all others. */
  rotateKeys(input: KeyRotation): void;
  /** Adds a fault. Rules are asked in the order in which they were added; the first one that fires has the request. */
  addFault(rule: FaultRule): FaultRuleState;
  /** The rules, and how often each fired. */
  listFaults(): FaultRuleState[];
  /** Removes a rule. Refusal 404 when there is none with this id. */
  removeFault(id: number): void;
  /** Removes all rules. */
  clearFaults(): void;
  /** Every token issued so far is answered 401. */
  revokeTokens(): void;
  /** A completed transfer ends as FAILED or CANCELLED: the money goes back and its externalId is free again. */
  undoTransfer(input: TransferUndoing): void;
  /** What really happened: transfers, wallets, requests. */
  truth(query?: TruthQuery): Truth;
  /** Whether money is conserved. */
  checkMoney(): MoneyCheck;
  /** Transfers, faults, the log and the limit's windows are forgotten; balances, rates and availability stand as opened. */
  reset(): void;
}

export interface ControlParts {
  kpay: Kpay;
  /** What the simulated time is ahead of its source. */
  clock: { aheadMs: number };
  now: () => number;
  faults: FaultBook;
  log: RequestLog;
  tokens: TokenMint;
  rateLimit: RateLimit;
  limits: RateLimitSettings;
}

export function createControl({ kpay, clock, now, faults, log, tokens, rateLimit, limits }: ControlParts): Control {
  const check = (): MoneyCheck => {
    const problems = checkMoney(kpay.applications, kpay.transfers);
    return { conserved: problems.length === 0, problems };
  };
  return {
    setBalance(input) {
      const { applicationId: owner, ...spec } = parseInput(BalanceSchema, input);
      const application = findApplication(kpay, owner);
      const set = kpay.setBalance(application, spec);
      const wallet = listWallets(application).find((each) => each.country === set.country && each.currency === set.currency);
      if (!wallet) throw new Error('a wallet that was just set is missing');
      return wallet;
    },
    setRate(input) {
      const { from, to, rate, keepCache: keep } = parseInput(RateSchema, input);
      kpay.setRate(from, to, rate, keep);
    },
    setAvailability(input) {
      const { country, provider, operationType, status, keepCache: keep } = parseInput(AvailabilitySchema, input);
      kpay.setAvailability(country, provider, operationType, status, keep);
    },
    setTimeScale(timeScale) {
      kpay.timeScale = parseInput(TimeScaleSchema, timeScale, 'timeScale');
    },
    advanceClock(ms) {
      clock.aheadMs += parseInput(AdvanceSchema, ms, 'advanceMs');
      return { now: new Date(now()).toISOString() };
    },
    setCaching(caching) {
      kpay.caching = parseInput(z.boolean(), caching, 'caching');
    },
    setLimit(input) {
      const { limit, windowMs, retryAfter } = parseInput(LimitSchema, input);
      limits.limit = limit ?? limits.limit;
      limits.windowMs = windowMs ?? limits.windowMs;
      limits.retryAfter = retryAfter ?? limits.retryAfter;
      return { ...limits };
    },
    addApplication(spec) {
      const { id, apiKey, company, environment } = kpay.addApplication(parseInput(ApplicationSpecSchema, spec));
      return { id, apiKey, companyId: company.id, environment };
    },
    rotateKeys(input) {
      const { applicationId: owner, ...keys } = parseInput(RotateKeysSchema, input);
      kpay.rotateKeys(findApplication(kpay, owner), keys);
      tokens.revokeAll();
    },
    addFault: (rule) => faults.add(rule),
    listFaults: () => faults.list(),
    removeFault(id) {
      if (!faults.remove(id)) throw new Refusal(404, 'id: no fault has it');
    },
    clearFaults: () => faults.clear(),
    revokeTokens: () => tokens.revokeAll(),
    undoTransfer(input) {
      const { id, status } = parseInput(UndoSchema, input);
      kpay.undoTransfer(id, status);
    },
    truth(input = {}) {
      const query = parseInput(TruthQuerySchema, input);
      const ofId = <T extends { externalId: string | null }>(rows: T[]) =>
        query.externalId === undefined ? rows : rows.filter((row) => row.externalId === query.externalId);
      return {
        transfers: ofId(kpay.transfers)
          .filter(({ sequence }) => sequence > (query.transfersAfter ?? 0))
          .slice(0, query.transfers ?? kpay.transfers.length)
          .map((transfer) => ({ ...transfer })),
        transferCount: kpay.transfers.length,
        wallets: kpay.applications.flatMap(listWallets),
        burntIds: kpay.applications.flatMap(listBurntIds),
        requests: ofId(log.list(query.requests, query.requestsAfter)),
        requestCounts: structuredClone(log.counts),
        money: check(),
      };
    },
    checkMoney: check,
    reset() {
      kpay.reset();
      faults.clear();
      log.reset();
      rateLimit.reset();
    },
  };
}

function findApplication(kpay: Kpay, id: string | undefined): Application {
  const application = kpay.findById(id ?? simulatorApplicationId);
  if (!application) throw new Refusal(400, 'applicationId: no application has it');
  return application;
}

function listWallets({ id, wallets }: Application): WalletTruth[] {
  return wallets.map(({ country, currency: walletCurrency, balanceMinor, reservedMinor }) => {
    const format = (minor: bigint) => formatMinor(minor, decimalsOf(walletCurrency));
    return {
      applicationId: id,
      country,
      currency: walletCurrency,
      balance: format(balanceMinor),
      reservedBalance: format(reservedMinor),
      availableBalance: format(balanceMinor - reservedMinor),
    };
  });
}

function listBurntIds({ id, heldIds }: Application): { applicationId: string; externalId: string }[] {
  return [...heldIds].flatMap(([externalId, why]) => (why === 'burnt' ? [{ applicationId: id, externalId }] : []));
}
