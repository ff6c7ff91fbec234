import { setTimeout as pause } from 'node:timers/promises';
import { NoAnswerError, type Transfer } from '@kpay/admin-client';
import type { Cli, Connection } from '../framework/command.ts';
import { type ExitCode, exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { isFinal, stateWords } from '../output/transfer-words.ts';

/** How long `--wait` waits unless told. */
export const USUAL_WAIT = '60s';

/** Seldom enough for a key with 60 requests a minute. */
const FAST_MS = 300;
const SLOW_MS = 1_500;
const FAST_FOR_MS = 3_000;

/**
 * Reads a transfer again and again until it has ended or needs a person, or the time is over.
 *
 * @param onChange told of each new version.
 */
export async function follow(
  { io, signal }: Cli,
  { api }: Connection,
  first: Transfer,
  { withinMs, onChange }: { withinMs: number; onChange?: (transfer: Transfer) => Promise<void> },
): Promise<Transfer> {
  const begunMs = performance.now();
  let transfer = first;
  while (!isFinal(transfer) && transfer.state !== 'review') {
    const passedMs = performance.now() - begunMs;
    if (passedMs >= withinMs || io.closed.aborted) break;
    io.progress(`${io.text(stateWords[transfer.state])} … ${Math.round(passedMs / 1_000)} s`);
    try {
      await pause(Math.min(passedMs < FAST_FOR_MS ? FAST_MS : SLOW_MS, withinMs - passedMs), undefined, { signal });
      const { data } = await api.showTransfer({ id: transfer.id, signal });
      const changed = data.version !== transfer.version;
      transfer = data;
      if (changed) await onChange?.(data);
    } catch (error) {
      // An API that is away for a moment says nothing about the transfer.
      if (error instanceof NoAnswerError && !signal.aborted) continue;
      io.progress('');
      if (signal.aborted)
        io.tell(
          io.text({ en: `It goes on: kpay transfer watch ${first.id}`, fr: `Il continue : kpay transfer watch ${first.id}` }),
        );
      throw error;
    }
  }
  io.progress('');
  return transfer;
}

/** The exit code of one who waited for a transfer. */
export function exitOf({ state, moneyMoved }: Pick<Transfer, 'state' | 'moneyMoved'>): ExitCode {
  if (state === 'succeeded') return exitCodes.done;
  if (moneyMoved === 'unknown') return exitCodes.unknown;
  if (state === 'rejected') return exitCodes.refused;
  return isFinal({ state }) ? exitCodes.failed : exitCodes.waiting;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `5min`, `2h` or `1d`. @throws Failure (2) */
export function readDuration(text: string, flag: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})(s|min|m|h|d)$/.exec(text) ?? [];
  if (count !== '') return Number(count) * (UNITS[unit] ?? 0);
  throw usage({ en: `${flag} must be a time such as 90s, 5min or 2h`, fr: `${flag} doit être une durée comme 90s, 5min ou 2h` });
}

/** A moment that is a length of time from now, or an ISO 8601 time; the API judges the latter. */
export function readMoment(text: string, flag: string): string {
  return /^\d+[a-z]+$/.test(text) ? new Date(Date.now() + readDuration(text, flag)).toISOString() : text;
}
