import type { Io } from '../framework/io.ts';
import { showDuration } from './format.ts';

/** How old KPay's figures are, on standard error: stale ones are never passed off as fresh. */
export function tellAge(io: Io, { ageSeconds, stale }: { ageSeconds: number; stale: boolean }): void {
  const age = showDuration(ageSeconds * 1_000, io.language);
  if (stale) {
    io.tell(
      io.styleError(
        'yellow',
        io.text({ en: `KPay does not answer: this is ${age} old.`, fr: `KPay ne répond pas : ces chiffres ont ${age}.` }),
      ),
    );
  } else io.tell(io.text({ en: `Seen at KPay ${age} ago.`, fr: `Vu chez KPay il y a ${age}.` }));
}
