import { StartError } from '@kpay/runtime';

/**
 * `wrong`: it does not work, or money is less safe than it should be. `warning`: it works, and somebody should look.
 * `skipped`: it could not be looked at, because of something else that is wrong.
 */
export type FindingLevel = 'good' | 'warning' | 'wrong' | 'skipped';

/** What one check of the doctor found. */
export interface Finding {
  check: string;
  verdict: FindingLevel;
  what: string;
  /** The command, or the step, that fixes it. */
  fix?: string;
}

export function wrongFrom(check: string, error: unknown): Finding {
  if (!(error instanceof Error)) throw error;
  const fix = error instanceof StartError ? error.fix : undefined;
  return { check, verdict: 'wrong', what: error.message, ...(fix !== undefined && { fix }) };
}

/** Runs a check that may fail as a whole. */
export async function finding(check: string, run: () => Promise<Omit<Finding, 'check'>>): Promise<Finding> {
  try {
    return { check, ...(await run()) };
  } catch (error) {
    return wrongFrom(check, error);
  }
}

/** 1 when something is wrong, and with `strict` when somebody should look; else 0. */
export function exitCodeOf(findings: readonly Finding[], { strict = false }: { strict?: boolean } = {}): 0 | 1 {
  const bad: readonly FindingLevel[] = strict ? ['wrong', 'warning'] : ['wrong'];
  return findings.some(({ verdict }) => bad.includes(verdict)) ? 1 : 0;
}
