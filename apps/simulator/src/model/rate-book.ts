/** What one dollar buys. XAF and XOF stand so that XAF→XOF is the documented 1.0153; GHS and NGN occur on KPay's page. */
const perDollar: Readonly<Record<string, number>> = {
  USD: 1,
  XAF: 600,
  XOF: 609.18,
  KES: 129.2,
  RWF: 1_452,
  UGX: 3_585,
  ZMW: 23.9,
  SLE: 22.8,
  CDF: 2_460,
  GHS: 11.4,
  NGN: 1_445,
};

/** The true rates of this moment. What the exchange-rate endpoint shows can be up to an hour older. */
export class RateBook {
  readonly #set = new Map<string, number>();

  /** Units of `to` for one unit of `from`: 1 within a currency (a zone has one currency), six significant digits otherwise. */
  rate(from: string, to: string): number | undefined {
    const set = this.#set.get(`${from}:${to}`);
    if (set !== undefined) return set;
    if (from === to) return Object.hasOwn(perDollar, from) ? 1 : undefined;
    const fromRate = perDollar[from];
    const toRate = perDollar[to];
    if (fromRate === undefined || toRate === undefined) return undefined;
    return Number((toRate / fromRate).toPrecision(6));
  }

  set(from: string, to: string, rate: number): void {
    this.#set.set(`${from}:${to}`, rate);
  }

  reset(): void {
    this.#set.clear();
  }
}
