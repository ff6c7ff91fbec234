import * as z from 'zod';
import { Refusal } from './answer.ts';
import { countries, decimalsOf, findCountry } from './catalogue.ts';
import { toMinor } from './decimal.ts';
import type { TransferRecord } from './truth-event.ts';

export interface Wallet {
  country: string;
  currency: string;
  balanceMinor: bigint;
  reservedMinor: bigint;
  /** All that was ever put in from outside, by the opening and by the control API. Transfers never change it. */
  fundedMinor: bigint;
}

/** A decimal that is not negative, as text or number. */
export const MoneySchema = z
  .union([z.string(), z.number()])
  .refine((value) => (toMinor(value, 2) ?? -1n) >= 0n, 'expected a decimal of at most two places, not negative');

/** What a wallet is opened or set with. */
export const WalletSpecSchema = z.strictObject({
  /** ISO 3166-1 alpha-3, one of KPay's twelve, such as `CMR`. */
  country: z.string(),
  /** Needed only where a country has two: COD. */
  currency: z.string().optional(),
  /** In units of the currency, as a number or decimal text. */
  balance: MoneySchema,
  /** Part of the balance that is held for running withdrawals. */
  reservedBalance: MoneySchema.optional(),
});
/** A wallet as it is opened or set. */
export type WalletSpec = z.input<typeof WalletSpecSchema>;

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

/** All twelve countries, with plenty of money. */
export function allWallets(): WalletSpec[] {
  return countries.flatMap(({ code, currencies }) =>
    currencies.map((currency) => ({ country: code, currency, balance: plenty[currency] ?? 0 })),
  );
}

/** Throws Refusal 400 that names the field: an unknown country, an ambiguous currency, an amount finer than it. */
export function openWallet(spec: WalletSpec): Wallet {
  const currency = chooseCurrency(spec.country, spec.currency);
  const balanceMinor = exactMinor('balance', spec.balance, currency);
  const reservedMinor = exactMinor('reservedBalance', spec.reservedBalance ?? 0, currency);
  return { country: spec.country, currency, balanceMinor, reservedMinor, fundedMinor: balanceMinor };
}

function chooseCurrency(code: string, wanted: string | undefined): string {
  const country = findCountry(code);
  if (!country) throw new Refusal(400, 'country: unknown');
  const [first, second] = country.currencies;
  if (wanted !== undefined && country.currencies.includes(wanted)) return wanted;
  if (wanted === undefined && first !== undefined && second === undefined) return first;
  if (first === undefined) throw new Refusal(400, `country: ${code} has no wallets at KPay`);
  throw new Refusal(400, `currency: expected one of ${country.currencies.join(', ')}`);
}

function exactMinor(field: string, amount: string | number, currency: string): bigint {
  const decimals = decimalsOf(currency);
  const minor = toMinor(amount, decimals);
  if (minor === undefined) throw new Refusal(400, `${field}: ${currency} has ${decimals} decimals`);
  return minor;
}

/** The country's wallet; where a country has two, the first one, because the endpoint has no way to name a currency. */
export function walletOf(wallets: readonly Wallet[], country: string): Wallet {
  const wallet = wallets.find((each) => each.country === country);
  if (!wallet) throw new Refusal(404, `Wallet not found for country ${country}`);
  return wallet;
}

/** Both legs of a transfer, or both of them back. */
export function moveMoney(wallets: readonly Wallet[], transfer: TransferRecord, direction: 1n | -1n): void {
  const source = findWallet(wallets, transfer.sourceCountry, transfer.sourceCurrency);
  const destination = findWallet(wallets, transfer.destinationCountry, transfer.destinationCurrency);
  source.balanceMinor -= direction * (toMinor(transfer.amount, decimalsOf(source.currency)) ?? 0n);
  destination.balanceMinor += direction * (toMinor(transfer.destinationAmount, decimalsOf(destination.currency)) ?? 0n);
}

function findWallet(wallets: readonly Wallet[], country: string, currency: string): Wallet {
  const wallet = wallets.find((each) => each.country === country && each.currency === currency);
  if (!wallet) throw new Error(`no wallet ${country} ${currency}`);
  return wallet;
}
