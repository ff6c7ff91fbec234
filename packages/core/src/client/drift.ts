/** KPay's answer differs from what is documented, in a way that does no harm. Told once for each path. */
export interface Drift {
  /** `me`, `token`, `exchange_rate`, `predict_provider`, `availability`, `balance` or `transfer`. */
  endpoint: string;
  /** Where, as in "[].providers[].operationTypes[].status". */
  path: string;
  /**
   * `unknown_field`: one that is not documented. `unknown_value`: of a documented list, such as a new status.
   * `unreadable_row`: one that is left out.
   */
  kind: 'unknown_field' | 'unknown_value' | 'unreadable_row';
}

export type ReportDrift = (endpoint: string, path: string, kind: Drift['kind']) => void;

/** An answer can be made of anything: no more paths than this are remembered. */
const MAX_PATHS = 500;

/** Hands each difference to `onDrift` once. */
export function createDriftReporter(onDrift: (drift: Drift) => void): ReportDrift {
  const seen = new Set<string>();
  return (endpoint, path, kind) => {
    const key = `${endpoint} ${kind} ${path}`;
    if (seen.has(key) || seen.size >= MAX_PATHS) return;
    seen.add(key);
    onDrift({ endpoint, path, kind });
  };
}
