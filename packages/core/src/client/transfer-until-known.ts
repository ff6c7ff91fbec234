import { KpayAbortError, OutcomeUnknownError, RejectedError, RetryableError } from '../errors.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import type { CallOptions } from './call-options.ts';
import type { KpayClient } from './client.ts';
import type { TransferFields } from './transfer-body.ts';
import type { TransferReceipt } from './transfer-receipt.ts';

export interface UntilKnownOptions extends CallOptions {
  clock?: Clock | undefined;
  /** A process before this one may have sent these fields: a conflict at once is then no collision of ids. */
  sentBefore?: boolean | undefined;
  /** How long after a first conflict a second one confirms; one minute unless given. */
  conflictConfirmMs?: number | undefined;
  /** How long to go on; six hours unless given. KPay does not say for how long it remembers ids, so 24 hours at most. */
  giveUpAfterMs?: number | undefined;
}

/** A transfer that was made: by KPay's answer, or because KPay twice said that an active transfer holds its id. */
export type KnownTransfer = { confirmedBy: 'answer'; receipt: TransferReceipt } | { confirmedBy: 'conflict' };

const MAX_MS = 24 * 60 * 60_000;
const FIRST_WAIT_MS = 2_000;
const MAX_WAIT_MS = 60_000;

/**
 * Sends a transfer, and after an unknown outcome the same fields again, until it is known what became of it. Keep the fields
 * before the call: should the process die, only the same ones with `sentBefore` are safe.
 *
 * @throws RejectedError, RetryableError when surely nothing was sent or done; InvalidAmountError, UnknownCountryError as transfer().
 * @throws OutcomeUnknownError when it stays unknown: time is over, the signal aborted, KPay refused a repeat, which says nothing
 *   of the send before, or it took the transfer and says that it is not completed (`not_completed`). A person has to look
 *   then; another externalId could move the money twice.
 */
export async function transferUntilKnown(
  client: Pick<KpayClient, 'transfer'>,
  fields: TransferFields,
  options: UntilKnownOptions = {},
): Promise<KnownTransfer> {
  const { clock = systemClock, sentBefore = false, conflictConfirmMs = 60_000, giveUpAfterMs = MAX_MS / 4, ...call } = options;
  const untilMs = clock.monotonicMs() + Math.min(giveUpAfterMs, MAX_MS);
  let unknown = sentBefore ? new OutcomeUnknownError('it may have been sent before', { reason: 'connection_lost' }) : undefined;
  let conflictAtMs: number | undefined;
  let waitMs = FIRST_WAIT_MS;

  async function wait(forMs: number): Promise<void> {
    if (clock.monotonicMs() + forMs > untilMs) throw unknown;
    await clock.sleep(forMs, call.signal ?? undefined).catch(() => Promise.reject(unknown));
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
  }

  for (;;) {
    try {
      return { confirmedBy: 'answer', receipt: await client.transfer(fields, call) };
    } catch (error) {
      if (error instanceof OutcomeUnknownError) {
        // KPay holds it and says that it is not done: sent again, its id would be a conflict, which confirms nothing.
        if (error.reason === 'not_completed') throw error;
        unknown = error;
        // A send whose end nobody knows may be what holds the id: the conflicts count anew.
        conflictAtMs = undefined;
        await wait(waitMs);
      } else if (!unknown) {
        throw error;
      } else if (error instanceof KpayAbortError) {
        throw unknown;
      } else if (error instanceof RetryableError) {
        await wait(Math.max(waitMs, error.retryAfterMs ?? 0));
      } else if (!(error instanceof RejectedError)) {
        throw error;
      } else if (error.status === 409) {
        const nowMs = clock.monotonicMs();
        if (conflictAtMs !== undefined && nowMs >= conflictAtMs + conflictConfirmMs) return { confirmedBy: 'conflict' };
        conflictAtMs ??= nowMs;
        await wait(Math.max(0, conflictAtMs + conflictConfirmMs - nowMs));
      } else if (error.status === 401) {
        await wait(waitMs);
      } else {
        const { status, detail } = error;
        throw new OutcomeUnknownError('KPay refused a repeat: what became of the send before is not known', {
          reason: 'unexpected_status',
          status,
          detail,
          cause: error,
        });
      }
    }
  }
}
