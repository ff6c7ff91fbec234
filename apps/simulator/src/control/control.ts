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
import type { RateLimit, RateLimitSettings } from '../model/rate-limit.ts';
import type { RequestCounts, RequestLog, RequestRecord } from '../model/request-log.ts';
import type { TokenMint } from '../model/tokens.ts';
import type { TransferRecord } from '../model/truth-event.ts';
import { WalletSpecSchema } from '../model/wallets.ts';

const applicationId = z.string().optional();
const keepCache = z.boolean().default(false);
const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code');

const BalanceSchema = WalletSpecSchema.extend({ applicationId });
const RateSchema = z.strictObject({ from: currency, to: currency, rate: z.number().positive().max(1e9), keepCache });
const AvailabilitySchema = z.strictObject({
  country: z.string().min(1),
  provider: z.string().min(1),
  operationType: z.string().min(1),
  status: z.string().min(1),
  keepCache,
});
const TimeScaleSchema = z.number().positive().max(100_000);
const LimitSchema = z.strictObject({
  limit: z.int().positive().optional(),
  windowMs: z.number().positive().optional(),
  retryAfter: z.boolean().optional(),
});
const UndoSchema = z.strictObject({ id: z.string(), status: z.enum(['FAILED', 'CANCELLED']) });
const RotateKeysSchema = z.strictObject({ applicationId, apiKey: ApiKeySchema, secretKey: z.string().min(1) });
const page = z.coerce.number().int().nonnegative().optional();
const TruthQuerySchema = z.strictObject({
  requests: page,
  requestsAfter: page,
  transfers: page,
  transfersAfter: page,
  externalId: z.string().optional(),
});

/** Paging of the truth: at most so many, and only those with a higher `sequence`. */
export type TruthQuery = z.input<typeof TruthQuerySchema>;

export interface WalletTruth {
  applicationId: string;
  country: string;
  currency: string;
  balance: string;
  reservedBalance: string;
  availableBalance: string;
}

export interface Truth {
  transfers: TransferRecord[];
  transferCount: number;
  wallets: WalletTruth[];
  /** Of each application: ids that are answered 409 without a transfer. */
  burntIds: { applicationId: string; externalId: string }[];
  requests: RequestRecord[];
  requestCounts: RequestCounts;
  money: MoneyCheck;
}

export interface MoneyCheck {
  conserved: boolean;
  problems: string[];
}

/** The operations of /__sim. Each parses what it is given and throws a ZodError or a Refusal that names the field. */
export interface Control {
  /** Sets one wallet; makes it when the application has none there. COD needs the currency. */
  setBalance(input: z.input<typeof BalanceSchema>): WalletTruth;
  /** Sets one direction; the other one keeps its rate. */
  setRate(input: z.input<typeof RateSchema>): void;
  setAvailability(input: z.input<typeof AvailabilitySchema>): void;
  /** 20: token lifetime, limit window and caches run out 20 times faster. Delays of faults are real milliseconds. */
  setTimeScale(timeScale: number): void;
  setCaching(caching: boolean): void;
  setLimit(input: z.input<typeof LimitSchema>): RateLimitSettings;
  addApplication(spec: ApplicationSpec): { id: string; apiKey: string; companyId: string; environment: string };
  /** The application's old keys are answered 401 from now on, as are its tokens and those of all others. */
  rotateKeys(input: z.input<typeof RotateKeysSchema>): void;
  addFault(rule: FaultRule): FaultRuleState;
  listFaults(): FaultRuleState[];
  removeFault(id: number): void;
  clearFaults(): void;
  /** Every token issued so far is answered 401. */
  revokeTokens(): void;
  undoTransfer(input: z.input<typeof UndoSchema>): void;
  truth(query?: TruthQuery): Truth;
  checkMoney(): MoneyCheck;
  /** Transfers, faults, the log and the limit's windows are forgotten; balances, rates and availability stand as opened. */
  reset(): void;
}

export interface ControlParts {
  kpay: Kpay;
  faults: FaultBook;
  log: RequestLog;
  tokens: TokenMint;
  rateLimit: RateLimit;
  limits: RateLimitSettings;
}

export function createControl({ kpay, faults, log, tokens, rateLimit, limits }: ControlParts): Control {
  const check = (): MoneyCheck => {
    const problems = checkMoney(kpay.applications, kpay.transfers);
    return { conserved: problems.length === 0, problems };
  };
  return {
    setBalance(input) {
      const { applicationId: owner, ...spec } = BalanceSchema.parse(input);
      const application = findApplication(kpay, owner);
      const set = kpay.setBalance(application, spec);
      const wallet = listWallets(application).find((each) => each.country === set.country && each.currency === set.currency);
      if (!wallet) throw new Error('a wallet that was just set is missing');
      return wallet;
    },
    setRate(input) {
      const { from, to, rate, keepCache: keep } = RateSchema.parse(input);
      kpay.setRate(from, to, rate, keep);
    },
    setAvailability(input) {
      const { country, provider, operationType, status, keepCache: keep } = AvailabilitySchema.parse(input);
      kpay.setAvailability(country, provider, operationType, status, keep);
    },
    setTimeScale(timeScale) {
      kpay.timeScale = TimeScaleSchema.parse(timeScale);
    },
    setCaching(caching) {
      kpay.caching = z.boolean().parse(caching);
    },
    setLimit(input) {
      const { limit, windowMs, retryAfter } = LimitSchema.parse(input);
      limits.limit = limit ?? limits.limit;
      limits.windowMs = windowMs ?? limits.windowMs;
      limits.retryAfter = retryAfter ?? limits.retryAfter;
      return { ...limits };
    },
    addApplication(spec) {
      const { id, apiKey, company, environment } = kpay.addApplication(ApplicationSpecSchema.parse(spec));
      return { id, apiKey, companyId: company.id, environment };
    },
    rotateKeys(input) {
      const { applicationId: owner, ...keys } = RotateKeysSchema.parse(input);
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
      const { id, status } = UndoSchema.parse(input);
      kpay.undoTransfer(id, status);
    },
    truth(input = {}) {
      const query = TruthQuerySchema.parse(input);
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
