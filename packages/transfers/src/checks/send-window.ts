const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

export type Day = (typeof DAYS)[number];

/** When an account sends, by the clocks of a place. */
export interface SendWindow {
  /** IANA, such as Africa/Douala. */
  timeZone: string;
  /** The days on which it opens; one that ends after midnight goes on into the next day. */
  days: readonly Day[];
  /** HH:MM. */
  from: string;
  /** HH:MM, or 24:00. Not later than `from`: of the next day. */
  to: string;
}

/**
 * When a window opens next, or undefined while it is open.
 *
 * Openings and closings are instants: on the day the clocks change, a time that does not exist is the moment of the
 * change, and of a time that comes twice the first is meant.
 */
export function nextOpening({ timeZone, days, from, to }: SendWindow, now: Date): Date | undefined {
  const clock = clockOf(timeZone);
  const [opensMs, closesMs] = [minutesOf(from) * MINUTE_MS, minutesOf(to) * MINUTE_MS];
  const closesNextDay = closesMs <= opensMs;
  const today = Math.floor(clock.localMs(now.getTime()) / DAY_MS) * DAY_MS;
  // From the window that began yesterday and may still be open, to the same day of next week and one more, which is
  // for a week whose only window falls into the hour that is skipped.
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
  /** What the clock on the wall shows at an instant, as if it were UTC. */
  localMs(instantMs: number): number;
  /** The first instant at which the clock on the wall shows this or, where it skips it, more. */
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
      // No place changes its clocks twice within two days, so the offsets around are all that can be meant.
      const candidates = [offsetMs(wantedMs - DAY_MS), offsetMs(wantedMs + DAY_MS)].map((offset) => wantedMs - offset);
      const hits = candidates.filter((instantMs) => localMs(instantMs) === wantedMs);
      return hits.length > 0 ? Math.min(...hits) : firstShowing(localMs, wantedMs, candidates);
    },
  };
}

/** Where the clocks skip a time: the instant of the skip, which lies between the two readings of that time. */
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

/** Making one takes long enough to be kept; there are as many as accounts have time zones. */
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
