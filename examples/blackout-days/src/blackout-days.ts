import { appendFile } from 'node:fs/promises';
import { definePlugin, type Plugin } from '@kpay/transfers/plugin';

const DAY_MS = 24 * 60 * 60_000;

/** The plugin's settings, from the environment. */
export interface BlackoutDays {
  /** BLACKOUT_DAYS: days in UTC on which nothing is sent, such as 2026-12-25. */
  days: readonly string[];
  /** EVENT_LOG_FILE: a file that gets a line of JSON for each event. Without it there is no file. */
  eventLogFile?: string | undefined;
}

/** Holds transfers on certain days, and writes every event to a file. */
export function blackoutDays({ days, eventLogFile }: BlackoutDays): Plugin {
  const wrong = days.find((day) => dayOf(new Date(`${day}T00:00:00Z`)) !== day);
  if (wrong !== undefined) throw new Error(`BLACKOUT_DAYS must be days such as 2026-12-25, not ${wrong}`);
  return definePlugin({
    name: 'blackout-days',
    checks: [
      {
        name: 'days',
        check(_transfer, { now }) {
          const until = endOfBlackout(days, now);
          if (until === undefined) return { verdict: 'pass' };
          return { verdict: 'hold', code: 'blackout_day', reason: `nothing is sent on ${dayOf(now)}`, until };
        },
      },
    ],
    ...(eventLogFile !== undefined && {
      sinks: [
        {
          name: 'file',
          async tell(events) {
            const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
            // On the disk before the events count as delivered. After a crash in between, the same lines come again
            // with their ids.
            await appendFile(eventLogFile, lines, { flush: true });
          },
        },
      ],
    }),
  });
}

function endOfBlackout(days: readonly string[], now: Date): Date | undefined {
  let midnightMs = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  if (!days.includes(dayOf(now))) return undefined;
  while (days.includes(dayOf(new Date(midnightMs)))) midnightMs += DAY_MS;
  return new Date(midnightMs);
}

/** `2026-12-25`; empty for a day that does not exist. */
function dayOf(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 10);
}

export default blackoutDays({
  days: (process.env.BLACKOUT_DAYS ?? '')
    .split(',')
    .map((day) => day.trim())
    .filter((day) => day !== ''),
  eventLogFile: process.env.EVENT_LOG_FILE,
});
