import { createHash } from 'node:crypto';
import { z } from 'zod';
import { countries, decimalsOf, findCountry } from './catalogue.ts';
import { toMinor } from './decimal.ts';

/** A decimal that is not negative, as text or number. */
export const MoneySchema = z
  .union([z.string(), z.number()])
  .refine((value) => (toMinor(value, 2) ?? -1n) >= 0n, 'expected a decimal of at most two places, not negative');

const WalletSpecSchema = z
  .strictObject({
    country: z.string().refine((code) => findCountry(code) !== undefined, 'unknown country'),
    /** Needed only where a country has two: COD. */
    currency: z.string().optional(),
    balance: MoneySchema,
    /** Part of the balance that is held for running withdrawals. */
    reservedBalance: MoneySchema.optional(),
  })
  .refine(({ country, currency }) => currency === undefined || findCountry(country)?.currencies.includes(currency), {
    path: ['currency'],
    message: 'not a currency of that country',
  });

/** What a test or a person says about an application; ids and names that are left out are made from the key. */
export const ApplicationSpecSchema = z.strictObject({
  /** `kpay_test_…` makes a TEST application, `kpay_live_…` a PRODUCTION one. */
  apiKey: z.string().regex(/^kpay_(test|live)_\S+$/, 'expected kpay_test_… or kpay_live_…'),
  secretKey: z.string().min(1),
  id: z.uuid().optional(),
  name: z.string().min(1).optional(),
  companyId: z.uuid().optional(),
  companyName: z.string().min(1).optional(),
  /** Requests a window for this key; the simulator's own limit unless given. */
  limit: z.int().positive().optional(),
  /** All twelve countries with plenty of money unless given. */
  wallets: z.array(WalletSpecSchema).optional(),
});
export type ApplicationSpec = z.input<typeof ApplicationSpecSchema>;

export interface Wallet {
  country: string;
  currency: string;
  balanceMinor: bigint;
  reservedMinor: bigint;
  /** All that was ever put in from outside, by the opening and by the control API. Transfers never change it. */
  fundedMinor: bigint;
}

/**
 * Why an externalId cannot be used: an active transfer holds it, a call that has not ended yet does, or KPay burnt it
 * without a transfer.
 */
export type HeldId = 'active' | 'running' | 'burnt';

export interface Application {
  apiKey: string;
  secretKey: string;
  id: string;
  name: string;
  company: { id: string; name: string };
  environment: 'TEST' | 'PRODUCTION';
  limit: number | undefined;
  wallets: Wallet[];
  heldIds: Map<string, HeldId>;
}

export const simulatorApiKey = 'kpay_test_simulator';
export const simulatorSecretKey = 'simulator-secret';
export const simulatorApplicationId = '5b1a2c7e-3f7a-4c59-9a42-6d0c1f5e8b11';

/** The application everybody finds. Its keys and ids never change: other ledgers pin them. */
export const simulatorApplication: ApplicationSpec = {
  apiKey: simulatorApiKey,
  secretKey: simulatorSecretKey,
  id: simulatorApplicationId,
  name: 'Simulator application',
  companyId: 'c0a8e1d4-92b6-4f0e-8d3b-7a41f2c69e55',
  companyName: 'Simulator company',
};

const plenty: Readonly<Record<string, number>> = {
  XAF: 10_000_000,
  XOF: 10_000_000,
  KES: 2_000_000,
  RWF: 25_000_000,
  UGX: 60_000_000,
  ZMW: 400_000,
  SLE: 400_000,
  CDF: 40_000_000,
  USD: 20_000,
};

export function openApplication(spec: ApplicationSpec): Application {
  const wallets = spec.wallets ?? allWallets();
  return {
    apiKey: spec.apiKey,
    secretKey: spec.secretKey,
    id: spec.id ?? uuidFrom(`application ${spec.apiKey}`),
    name: spec.name ?? spec.apiKey,
    company: {
      id: spec.companyId ?? uuidFrom(`company ${spec.apiKey}`),
      name: spec.companyName ?? `${spec.name ?? spec.apiKey} company`,
    },
    environment: spec.apiKey.startsWith('kpay_live_') ? 'PRODUCTION' : 'TEST',
    limit: spec.limit,
    wallets: wallets.map(openWallet),
    heldIds: new Map(),
  };
}

export function openWallet(spec: NonNullable<ApplicationSpec['wallets']>[number]): Wallet {
  const currency = spec.currency ?? findCountry(spec.country)?.currencies[0];
  if (currency === undefined) throw new RangeError(`unknown country ${spec.country}`);
  const balanceMinor = toMinor(spec.balance, decimalsOf(currency));
  const reservedMinor = toMinor(spec.reservedBalance ?? 0, decimalsOf(currency));
  if (balanceMinor === undefined || reservedMinor === undefined) throw new RangeError(`finer than ${currency}: ${spec.balance}`);
  return { country: spec.country, currency, balanceMinor, reservedMinor, fundedMinor: balanceMinor };
}

function allWallets(): NonNullable<ApplicationSpec['wallets']> {
  return countries.flatMap(({ code, currencies }) =>
    currencies.map((currency) => ({ country: code, currency, balance: plenty[currency] ?? 0 })),
  );
}

/** A UUID that is the same for the same text, in every run. */
export function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
