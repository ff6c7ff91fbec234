import type { KpayAccount, ObservationName, Observed } from '@kpay/core';

export interface RatePair {
  /** ISO 4217. */
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

/** Collects what every account has to say into one list. */
export async function fromAll<T>(
  views: readonly AccountView[],
  read: (view: AccountView) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  return (await Promise.all(views.map(read))).flat();
}
