import * as z from 'zod';
import {
  type Country,
  type Currency,
  countries,
  countryOfPrefix,
  exponentOf,
  isKnownCountry,
  type OperationType,
  operationTypes,
  type ProviderCode,
  type ProviderStatus,
  providerStatuses,
  providers,
} from '../money/catalogue.ts';
import { parseRate, readAmount } from '../money/money.ts';
import type { ReportDrift } from './drift.ts';
import { parseExactJson } from './json.ts';
import { findUnknownFields } from './unknown-fields.ts';
import { type WalletBalance, walletBalance } from './wallet-balance.ts';

// The six Utilities endpoints of KPay's page: what each answers, as it comes and as we hand it on. Fields that
// nothing needs may be missing. Numbers arrive here as decimal text (json.ts).

/** One endpoint: how to ask, and how to read the answer. */
export interface Endpoint<T> {
  name: string;
  method: 'GET' | 'POST';
  path: string;
  /** @throws Error (of zod or money.ts) when what is needed is missing. */
  parse(text: string, report: ReportDrift): T;
}

const decimalText = z.string().regex(/^-?\d+(\.\d+)?([eE][+-]?\d{1,2})?$/);

const meSchema = z.object({
  application: z.object({ id: z.string().min(1), name: z.string().nullish() }),
  company: z.object({ id: z.string(), name: z.string().nullish() }).nullish(),
  environment: z.string(),
});

/** Who the keys belong to (KPay's page, "Application information"). */
export interface Me {
  /** The application of the keys. */
  application: MeApplication;
  /** The company that owns the application; null when KPay names none. */
  company: MeCompany | null;
  /** Environment of the keys (page): `TEST` or `PRODUCTION`. KPay's `LIVE`, which one client saw, is told as PRODUCTION. */
  environment: 'TEST' | 'PRODUCTION';
}

/** The application of the keys (page, "Application information"). */
export interface MeApplication {
  /** Application UUID: the `applicationId` of a transfer (page). */
  id: string;
  /** Application name as configured in the dashboard (page); null when KPay leaves it out. */
  name: string | null;
}

/** The company that owns the application (page, "Application information"). */
export interface MeCompany {
  /** UUID of the company (page). It is no `applicationId`, though one example of KPay's documentation uses it so. */
  id: string;
  /** Company name (page); null when KPay leaves it out. */
  name: string | null;
}

/** GET /api/v1/payments/me. An environment that is neither is unreadable: with it nobody knows whose money moves. */
export const meEndpoint: Endpoint<Me> = {
  name: 'me',
  method: 'GET',
  path: '/api/v1/payments/me',
  parse(text, report) {
    const { application, company, environment } = read(meSchema, text, 'me', report);
    return {
      application: { id: application.id, name: application.name ?? null },
      company: company ? { id: company.id, name: company.name ?? null } : null,
      environment: environmentSchema.parse(environment),
    };
  },
};

const environmentSchema = z.enum(['TEST', 'PRODUCTION', 'LIVE']).transform((name) => (name === 'LIVE' ? 'PRODUCTION' : name));

const tokenSchema = z.object({
  accessToken: z.string().min(1),
  expiresIn: z.string().nullish(),
  environment: z.string().nullish(),
});

/** A token as KPay gave it (page, "Obtain a JWT token"). */
export interface GrantedToken {
  /** JWT for the header `Authorization: Bearer <token>`. A secret. */
  accessToken: string;
  /** Milliseconds; 30 minutes by the page. */
  lifetimeMs: number;
  /** Null when KPay names none, or one we do not know. */
  environment: 'TEST' | 'PRODUCTION' | null;
}

/** POST /api/v1/payments/token. */
export const tokenEndpoint: Endpoint<GrantedToken> = {
  name: 'token',
  method: 'POST',
  path: '/api/v1/payments/token',
  parse(text, report) {
    const { accessToken, expiresIn, environment } = read(tokenSchema, text, 'token', report);
    const lifetimeMs = parseDurationMs(expiresIn);
    if (lifetimeMs === undefined) report('token', 'expiresIn', 'unknown_value');
    const known = environmentSchema.safeParse(environment);
    if (!known.success) report('token', 'environment', 'unknown_value');
    return { accessToken, lifetimeMs: lifetimeMs ?? UNREADABLE_LIFETIME_MS, environment: known.success ? known.data : null };
  },
};

/** A lifetime we cannot read is taken for shorter than the documented 30 minutes; a 401 finds out if it was less. */
const UNREADABLE_LIFETIME_MS = 5 * 60_000;
const MS_BY_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "30m", "1800s", "1h", "1800" (seconds) as milliseconds; undefined for anything else. */
export function parseDurationMs(text: string | null | undefined): number | undefined {
  const [, digits, unit] = /^\s*(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)\s*$/i.exec(text ?? '') ?? [];
  const factor = unit === '' ? 1_000 : MS_BY_UNIT[unit?.toLowerCase() ?? ''];
  const durationMs = Number(digits) * (factor ?? Number.NaN);
  return durationMs > 0 ? Math.min(durationMs, 86_400_000) : undefined;
}

const exchangeRateSchema = z.object({ from: z.string(), to: z.string(), rate: decimalText });

/**
 * The rate between two currencies (KPay's page, "Exchange rate"). KPay caches it for an hour, and gives no time, expiry or
 * lock. What it shows is rounded: the credited amount can differ from amount × rate.
 */
export interface ExchangeRate {
  /** Source currency, ISO 4217 (page: such as XAF, XOF, GHS, KES, NGN). */
  from: Currency;
  /** Target currency, ISO 4217. */
  to: Currency;
  /** One unit of `from` is this many units of `to` (page); exact decimal text such as "1.0153". "1" within a currency. */
  rate: string;
}

/**
 * GET /api/v1/payments/exchange-rate. KPay caches it for an hour, and rounds what it shows. A rate of another pair, the
 * reverse one included, is unreadable: it would be held against the least rate of a transfer.
 */
export const exchangeRateEndpoint = (asked: Pick<ExchangeRate, 'from' | 'to'>): Endpoint<ExchangeRate> => ({
  name: 'exchange_rate',
  method: 'GET',
  path: '/api/v1/payments/exchange-rate',
  parse(text, report) {
    const { from, to, rate } = read(exchangeRateSchema, text, 'exchange_rate', report);
    if (from !== asked.from || to !== asked.to) throw new Error('it is the rate of another pair');
    return { from, to, rate: parseRate(rate) };
  },
});

const predictionSchema = z.object({ country: z.string(), provider: z.string(), phoneNumber: z.string().nullish() });

/**
 * Which mobile-money operator a number belongs to (KPay's page, "Guess the operator of a number"). A suggestion: you remain
 * responsible for the provider that a payment names.
 */
export interface PredictedProvider {
  /** Operator country, ISO 3166-1 alpha-3 (page: such as CMR, ZMB, GHA); not always one of the catalogue. */
  country: Country;
  /** pawaPay provider code (page: such as MTN_MOMO_CMR, ORANGE_CMR), for the `provider` field of a payment or withdrawal. */
  provider: ProviderCode;
  /** Normalized number: digits only, without + or leading 0 (page); null when KPay leaves it out. */
  phoneNumber: string | null;
  /** Whether country and provider are in this package's catalogue. */
  known: boolean;
}

/** POST /api/v1/payments/predict-provider. The sandbox knows only its own test numbers. Another number is unreadable. */
export const predictProviderEndpoint = (askedNumber: string): Endpoint<PredictedProvider> => ({
  name: 'predict_provider',
  method: 'POST',
  path: '/api/v1/payments/predict-provider',
  parse(text, report) {
    const { country, provider, phoneNumber } = read(predictionSchema, text, 'predict_provider', report);
    const numbers = phoneNumber ? [askedNumber, phoneNumber] : [askedNumber];
    if (phoneNumber && endOf(phoneNumber) !== endOf(askedNumber)) throw new Error('it is about another number');
    if (!numbers.every((number) => mayBeOf(number, country))) throw new Error('it is about another country');
    const known = isKnownProvider(provider) && isKnownCountry(country);
    return { country, provider, phoneNumber: phoneNumber ?? null, known };
  },
});

/** The digits that stay the same in the national and the international format, and when a country adds digits in front. */
function endOf(phoneNumber: string): string {
  return digitsOf(phoneNumber).slice(-7);
}

/** False for an international number whose prefix is another country's. A national one may be of any. */
function mayBeOf(phoneNumber: string, country: string): boolean {
  const digits = digitsOf(phoneNumber);
  const international = /^\s*(\+|00)/.test(phoneNumber) || digits.length >= MIN_INTERNATIONAL_DIGITS;
  const dialled = countryOfPrefix(digits.slice(0, 3));
  return !international || dialled === (countries.includes(country) ? country : undefined);
}

/** National numbers of the catalogue's countries have ten digits at most. */
const MIN_INTERNATIONAL_DIGITS = 11;

function digitsOf(phoneNumber: string): string {
  return phoneNumber.replace(/\D/g, '').replace(/^0+/, '');
}

/** KPay says something of an operation that is no text: nobody knows its status, and it is not closed. */
const UNREADABLE_STATUS = 'UNREADABLE';

const operationSchema = z.object({ operationType: z.string(), status: z.string().catch(UNREADABLE_STATUS) });
const providerSchema = z.object({ provider: z.string(), operationTypes: z.array(z.unknown()) });
const countrySchema = z.object({ country: z.string(), providers: z.array(z.unknown()) });

/** The operators of one country (KPay's page, "Operator availability"). KPay caches them for a minute. */
export interface CountryAvailability {
  /** ISO 3166-1 alpha-3, such as `CMR`. */
  country: Country;
  /** Whether the country is in this package's catalogue or in the page's examples (GHA). */
  known: boolean;
  /** Its mobile-money operators. One whose row cannot be read is left out and told as drift. */
  providers: ProviderAvailability[];
}

/** The operations of one mobile-money operator (page, "Operator availability"). */
export interface ProviderAvailability {
  /** pawaPay provider code, such as `MTN_MOMO_CMR`. */
  provider: ProviderCode;
  /** Whether the provider is in this package's catalogue. */
  known: boolean;
  /** The status of each kind of operation. */
  operationTypes: OperationStatus[];
}

/** How one kind of operation of an operator works now (page, "Operator availability"). */
export interface OperationStatus {
  /** `DEPOSIT`, `PAYOUT`, `REMITTANCE` (page), or something new. */
  operationType: OperationType;
  /**
   * `OPERATIONAL`: service fully operational. `DELAYED`: operational but with abnormal delays. `CLOSED`: temporarily
   * unavailable (page). Anything else is unknown, never closed.
   */
  status: ProviderStatus;
  /** Whether both are documented. */
  known: boolean;
}

const OPERATIONS_PATH = '[].providers[].operationTypes[]';

/**
 * GET /api/v1/payments/availability. KPay caches it for a minute. What is odd in it is left out and told: of that operator or
 * country nothing is known, and the rest stands.
 */
export const availabilityEndpoint: Endpoint<CountryAvailability[]> = {
  name: 'availability',
  method: 'GET',
  path: '/api/v1/payments/availability',
  parse(text, report) {
    const note = (known: boolean, path: string): boolean => {
      if (!known) report('availability', path, 'unknown_value');
      return known;
    };
    const readRows = rowReader('availability', report);
    return rowsOf(text, (rows) => readRows(countrySchema, rows, '[]')).map((row) => ({
      country: row.country,
      known: note(isKnownCountry(row.country), '[].country'),
      providers: readRows(providerSchema, row.providers, '[].providers[]').map(({ provider, operationTypes: operations }) => ({
        provider,
        known: note(isKnownProvider(provider), '[].providers[].provider'),
        operationTypes: readRows(operationSchema, operations, OPERATIONS_PATH).map(({ operationType, status }) => {
          const knownOperation = note(operationTypes.includes(operationType), `${OPERATIONS_PATH}.operationType`);
          const knownStatus = note(providerStatuses.includes(status), `${OPERATIONS_PATH}.status`);
          return { operationType, status, known: knownOperation && knownStatus };
        }),
      })),
    }));
  },
};

const balanceSchema = z.object({
  currency: z.string().min(1),
  balance: decimalText,
  reservedBalance: decimalText,
  availableBalance: decimalText,
});

/**
 * GET /api/v1/payments/balance. A currency with an odd row is left out and told, all its rows: what the others add up to is
 * not what there is.
 */
export const balanceEndpoint: Endpoint<WalletBalance[]> = {
  name: 'balance',
  method: 'GET',
  path: '/api/v1/payments/balance',
  parse(text, report) {
    const odd = new Set<unknown>();
    const readRows = rowReader('balance', report, (row) => odd.add(currencyIn(row)));
    const rows = rowsOf(text, (all) => readRows(balanceSchema, all, '[]').filter(({ currency }) => !odd.has(currency)));
    return rows.map(({ currency, balance, reservedBalance, availableBalance }) => {
      if (exponentOf(currency) === undefined) report('balance', '[].currency', 'unknown_value');
      return walletBalance(currency, {
        balanceMinor: readAmount(balance, currency).amountMinor,
        reservedMinor: readAmount(reservedBalance, currency).amountMinor,
        availableMinor: readAmount(availableBalance, currency).amountMinor,
      });
    });
  },
};

function isKnownProvider(code: string): boolean {
  return providers.some((provider) => provider.code === code);
}

function read<T extends z.ZodType>(schema: T, text: string, endpoint: string, report: ReportDrift): z.infer<T> {
  const raw = parseExactJson(text);
  const parsed = schema.parse(raw);
  findUnknownFields(schema, raw, (path) => report(endpoint, path, 'unknown_field'));
  return parsed;
}

function currencyIn(row: unknown): unknown {
  return typeof row === 'object' && row !== null && 'currency' in row ? row.currency : undefined;
}

type RowReader = <T extends z.ZodType>(schema: T, rows: readonly unknown[], path: string) => z.infer<T>[];

/** Reads each row by itself. One that cannot be read is told and left out: it must not hide the others. */
function rowReader(endpoint: string, report: ReportDrift, onOdd: (row: unknown) => void = () => {}): RowReader {
  return (schema, rows, path) =>
    rows.flatMap((row) => {
      const parsed = schema.safeParse(row);
      if (!parsed.success) {
        report(endpoint, path, 'unreadable_row');
        onOdd(row);
        return [];
      }
      findUnknownFields(schema, row, (within) => report(endpoint, `${path}.${within}`, 'unknown_field'));
      return [parsed.data];
    });
}

/** @throws Error when the answer is no list, or not a row of it can be read. */
function rowsOf<T>(text: string, readAll: (rows: readonly unknown[]) => T[]): T[] {
  const all = z.array(z.unknown()).parse(parseExactJson(text));
  const rows = readAll(all);
  if (all.length > 0 && rows.length === 0) throw new Error('not a row of it can be read');
  return rows;
}
