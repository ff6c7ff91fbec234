const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

export type Day = (typeof DAYS)[number];

/** The hours in which an account sends, in a time zone. */
export interface SendWindow {
  /** An IANA time zone, such as Africa/Douala. */
  timeZone: string;
  /** The days on which the window opens. A window that ends after midnight continues into the next day. */
  days: readonly Day[];
  /** HH:MM. */
  from: string;
  /** HH:MM, or 24:00. A time that is not later than `from` is on the next day. */
  to: string;
}

/**
 * When a window opens next; undefined while it is open.
 *
 * Openings and closings are instants. On the day the clocks change, a time that is skipped means the moment of the
 * change, and a time that occurs twice means its first occurrence.
 */
export function nextOpening({ timeZone, days, from, to }: SendWindow, now: Date): Date | undefined {
  const clock = clockOf(timeZone);
  const [opensMs, closesMs] = [minutesOf(from) * MINUTE_MS, minutesOf(to) * MINUTE_MS];
  const closesNextDay = closesMs <= opensMs;
  const today = Math.floor(clock.localMs(now.getTime()) / DAY_MS) * DAY_MS;
  // From yesterday's window, which may still be open, to the same day next week and one more week. The extra week is
  // for a week whose only window lies in a skipped hour.
  for (let day = today - DAY_MS; day <= today + 15 * DAY_MS; day += DAY_MS) {
    const name = DAYS[new Date(day).getUTCDay()];
    if (name === undefined || !days.includes(name)) continue;
    const opens = clock.instantMs(day + opensMs);
    const closes = clock.instantMs(day + closesMs + (closesNextDay ? DAY_MS : 0));
    if (closes <= opens || closes <= now.getTime()) continue;
    return opens <= now.getTime() ? undefined : new Date(opens);
  }
  throw new Error(`a send window of ${days.join(', ')} ${from}-${to} ${timeZone} never opens`);
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

interface PlaceClock {
  /** The local time at an instant, as if it were UTC. */
  localMs(instantMs: number): number;
  /** The first instant at which the local clock shows this time, or a later one if it is skipped. */
  instantMs(localMs: number): number;
}

function clockOf(timeZone: string): PlaceClock {
  const format = formatOf(timeZone);
  const localMs = (instantMs: number): number => {
    const parts = format.formatToParts(instantMs);
    const at = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value);
    const wholeSecond = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
    return wholeSecond + (((instantMs % 1_000) + 1_000) % 1_000);
  };
  const offsetMs = (instantMs: number) => localMs(instantMs) - instantMs;
  return {
    localMs,
    instantMs(wantedMs) {
      // No time zone changes its clocks twice within two days. So only the offsets before and after are possible.
      const candidates = [offsetMs(wantedMs - DAY_MS), offsetMs(wantedMs + DAY_MS)].map((offset) => wantedMs - offset);
      const hits = candidates.filter((instantMs) => localMs(instantMs) === wantedMs);
      return hits.length > 0 ? Math.min(...hits) : firstShowing(localMs, wantedMs, candidates);
    },
  };
}

/** For a skipped time: the instant of the change, which lies between the two candidates. */
function firstShowing(localMs: (instantMs: number) => number, wantedMs: number, candidates: readonly number[]): number {
  let before = Math.min(...candidates) - 1;
  let after = Math.max(...candidates);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (localMs(middle) >= wantedMs) after = middle;
    else before = middle;
  }
  return after;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Creating a formatter is slow, so it is kept. There are as many as accounts have time zones. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}
