import { type Currency, exponentOf } from '../money/catalogue.ts';
import { type Money, moneyOf } from '../money/money.ts';

/**
 * One row of the balance (KPay's page, "Check wallet balance"). Wallets are one a country, and KPay names only the currency:
 * several rows of one currency occur, and one row can stand for the wallets of several countries.
 */
export interface WalletBalance {
  /** Wallet currency, ISO 4217 (page: such as XAF). */
  readonly currency: Currency;
  /** Whether the currency is in the catalogue; the smallest unit of another one is taken for a hundredth. */
  readonly known: boolean;
  /** Total wallet balance (page). */
  readonly balance: Money;
  /** Amount reserved for withdrawals currently being processed (page). */
  readonly reservedBalance: Money;
  /** What can be used, by KPay's own figure: balance − reservedBalance (page). */
  readonly availableBalance: Money;
  /** @deprecated Since 0.2: `balance.amountMinor`. Not in JSON. */
  readonly balanceMinor: bigint;
  /** @deprecated Since 0.2: `reservedBalance.amountMinor`. Not in JSON. */
  readonly reservedMinor: bigint;
  /** @deprecated Since 0.2: `availableBalance.amountMinor`. Not in JSON. */
  readonly availableMinor: bigint;
}

/** The three figures of a row, in the currency's smallest units. */
export type BalanceMinor = Pick<WalletBalance, 'balanceMinor' | 'reservedMinor' | 'availableMinor'>;

class BalanceRow implements WalletBalance {
  readonly currency: Currency;
  readonly known: boolean;
  readonly balance: Money;
  readonly reservedBalance: Money;
  readonly availableBalance: Money;

  constructor(currency: string, { balanceMinor, reservedMinor, availableMinor }: BalanceMinor) {
    this.currency = currency;
    this.known = exponentOf(currency) !== undefined;
    this.balance = moneyOf(balanceMinor, currency);
    this.reservedBalance = moneyOf(reservedMinor, currency);
    this.availableBalance = moneyOf(availableMinor, currency);
  }

  // On the prototype, so that JSON.stringify does not meet a bare bigint.
  get balanceMinor(): bigint {
    return this.balance.amountMinor;
  }
  get reservedMinor(): bigint {
    return this.reservedBalance.amountMinor;
  }
  get availableMinor(): bigint {
    return this.availableBalance.amountMinor;
  }
}

/** A row of the balance from its figures in smallest units. */
export function walletBalance(currency: string, figures: BalanceMinor): WalletBalance {
  return new BalanceRow(currency, figures);
}
