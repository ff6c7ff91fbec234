import { type TransferRow, within } from '@kpay/ledger';
import { z } from 'zod';
import type { ReasonCode } from '../states/reasons.ts';
import type { Check, CheckContext, CheckVerdict } from './check.ts';

/** Long enough for a call to another service, short enough that a check that hangs does not keep a worker's slot. */
const CHECK_TIMEOUT_MS = 5_000;
/** The reason code when a check gave no verdict. */
export const CHECK_FAILED = 'check_failed' satisfies ReasonCode;
const RECHECK_AFTER_MS = 60_000;

const inputs = z.record(z.string(), z.unknown()).refine(isStorable).exactOptional();
const text = z
  .string()
  .min(1)
  .refine((value) => !value.includes('\0'));
// The code is in an index, which refuses longer ones. The transfer would then be checked again at once, for ever.
const MAX_OF_CODE = 200;
const MAX_OF_REASON = 5_000;
const because = { code: text.max(MAX_OF_CODE), reason: text.max(MAX_OF_REASON), inputs };
const verdictSchema = z.discriminatedUnion('verdict', [
  z.object({ verdict: z.literal('pass'), inputs }),
  z.object({ verdict: z.literal('hold'), ...because, until: z.date() }),
  z.object({ verdict: z.literal('reject'), ...because }),
]);

/**
 * Runs a check. The transfer is held, with the check's name in the reason, when the check takes too long (even if it
 * ignores its signal) or its answer is no verdict.
 *
 * @throws what the check throws, and the signal's reason when the signal is aborted.
 */
export async function askCheck(check: Check, transfer: TransferRow, context: CheckContext): Promise<CheckVerdict> {
  const { timeoutMs = CHECK_TIMEOUT_MS } = check;
  const hold = (why: string): CheckVerdict => {
    const until = new Date(context.now.getTime() + RECHECK_AFTER_MS);
    return { verdict: 'hold', code: CHECK_FAILED, reason: `check ${check.name} ${why}`, until };
  };
  // The check's own code may throw a TookTooLong too: only its signal tells whether this time-out has passed.
  let given: AbortSignal | undefined;
  try {
    const answer: unknown = await within(timeoutMs, context.signal, (signal) => {
      given = signal;
      return check.check(transfer, { ...context, signal });
    });
    const verdict = verdictSchema.safeParse(answer);
    if (!verdict.success) return hold('gave no verdict');
    return verdict.data.verdict === 'hold' ? { ...verdict.data, until: later(verdict.data.until, context.now) } : verdict.data;
  } catch (error) {
    if (given?.aborted && !context.signal.aborted) return hold(`took longer than ${timeoutMs / 1_000} s`);
    throw error;
  }
}

/** The ledger refuses some values. A transfer with one would be checked again and again. */
function isStorable(value: unknown): boolean {
  try {
    return !/\\u(0000|d[89a-f])/i.test(JSON.stringify(value));
  } catch {
    return false;
  }
}

/** A hold whose end has already passed would be checked again at every sweep. */
function later(until: Date, now: Date): Date {
  return until > now ? until : new Date(now.getTime() + 1_000);
}
