import type { KpayAccount, ObservationName, Observed } from '@kpay/core';

/** Two ISO 4217 codes. */
export interface RatePair {
  from: string;
  to: string;
}

/** An account as the exporter looks at it. */
export interface AccountView {
  account: KpayAccount;
  /** The rates that are watched. */
  ratePairs: readonly RatePair[];
  /** A value that KPay was asked for longer ago than this is not shown any more. */
  seriesMaxAgeMs: Readonly<Record<ObservationName, number>>;
}

/** The observed value while it is young enough to be shown. */
export function valueToShow<T>(
  { account, seriesMaxAgeMs }: AccountView,
  observation: ObservationName,
  observed: Observed<T> | undefined,
): T | undefined {
  if (!observed) return undefined;
  const ageMs = account.clock.now() - observed.askedAt.getTime();
  return ageMs <= seriesMaxAgeMs[observation] ? observed.value : undefined;
}

/** Reads a pair as KPAY_RATE_PAIRS names it: "XAF:XOF". */
export function parseRatePair(text: string): RatePair {
  const { from, to } = /^(?<from>[A-Z]{3}):(?<to>[A-Z]{3})$/.exec(text)?.groups ?? {};
  if (from === undefined || to === undefined) throw new Error(`a pair of currencies is like XAF:XOF, not ${text}`);
  return { from, to };
}

/** Collects what every account has to say into one list. */
export async function fromAll<T>(
  views: readonly AccountView[],
  read: (view: AccountView) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  return (await Promise.all(views.map(read))).flat();
}
