import { describe, expect, it } from 'vitest';
import { nextOpening, type SendWindow } from './send-window.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const everyDay = [...weekdays, 'sat', 'sun'] as const;

const office: SendWindow = { timeZone: 'Africa/Douala', days: weekdays, from: '08:00', to: '18:00' };
const night: SendWindow = { timeZone: 'Europe/Paris', days: ['fri'], from: '22:00', to: '06:00' };
const paris = (from: string, to: string): SendWindow => ({ timeZone: 'Europe/Paris', days: everyDay, from, to });
const casablanca = (from: string, to: string): SendWindow => ({ timeZone: 'Africa/Casablanca', days: everyDay, from, to });

describe('a send window', () => {
  it.each<[what: string, window: SendWindow, now: string, opens: string | undefined]>([
    ['is closed to its first minute', office, '2026-01-05T06:59:59.999Z', '2026-01-05T07:00:00.000Z'],
    ['is open from its first minute', office, '2026-01-05T07:00:00.000Z', undefined],
    ['is open to its last minute', office, '2026-01-05T16:59:59.999Z', undefined],
    ['closes at its end, until the next day', office, '2026-01-05T17:00:00.000Z', '2026-01-06T07:00:00.000Z'],
    ['is closed over the weekend', office, '2026-01-09T17:00:00.000Z', '2026-01-12T07:00:00.000Z'],

    ['over midnight opens in the evening', night, '2026-01-09T20:59:00.000Z', '2026-01-09T21:00:00.000Z'],
    ['over midnight is open after it, on a day of its own name', night, '2026-01-10T04:59:59.000Z', undefined],
    ['over midnight ends in the morning, until next week', night, '2026-01-10T05:00:00.000Z', '2026-01-16T21:00:00.000Z'],
    ['over midnight does not belong to the day after', night, '2026-01-10T22:00:00.000Z', '2026-01-16T21:00:00.000Z'],

    ['to 24:00 ends with the day', paris('20:00', '24:00'), '2026-01-05T23:00:00.000Z', '2026-01-06T19:00:00.000Z'],
    ['from 00:00 to 24:00 never closes', paris('00:00', '24:00'), '2026-01-05T23:00:00.000Z', undefined],

    // Paris goes from +1 to +2 on 2026-03-29 at 02:00, which is 01:00 UTC, and back on 2026-10-25 at 03:00.
    [
      'opens an hour earlier in UTC once it is summer',
      paris('08:00', '18:00'),
      '2026-03-28T17:00:00Z',
      '2026-03-29T06:00:00.000Z',
    ],
    ['opens an hour later in UTC once it is winter', paris('08:00', '18:00'), '2026-10-24T16:00:00Z', '2026-10-25T07:00:00.000Z'],
    ['from a skipped time opens at the skip', paris('02:30', '05:00'), '2026-03-29T00:59:59Z', '2026-03-29T01:00:00.000Z'],
    ['from a skipped time is open from the skip', paris('02:30', '05:00'), '2026-03-29T01:00:00Z', undefined],
    ['to a skipped time closes at the skip', paris('01:00', '02:30'), '2026-03-29T01:00:00Z', '2026-03-29T23:00:00.000Z'],
    ['within skipped times does not open', paris('02:10', '02:50'), '2026-03-29T00:30:00Z', '2026-03-30T00:10:00.000Z'],
    [
      'from a time that comes twice opens at the first',
      paris('02:30', '05:00'),
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:30:00.000Z',
    ],
    ['from a time that comes twice stays open in between', paris('02:30', '05:00'), '2026-10-25T01:15:00Z', undefined],
    [
      'to a time that comes twice closes at the first',
      paris('01:00', '02:30'),
      '2026-10-25T00:30:00Z',
      '2026-10-26T00:00:00.000Z',
    ],
    [
      'over midnight and the change is an hour shorter',
      paris('22:00', '04:00'),
      '2026-03-29T02:00:00Z',
      '2026-03-29T20:00:00.000Z',
    ],

    // Morocco leaves +1 for Ramadan: 2026-02-15 at 03:00 back to +0, 2026-03-22 at 02:00 on to +1.
    ['in Casablanca opens later in Ramadan', casablanca('08:00', '18:00'), '2026-02-14T17:00:00Z', '2026-02-15T08:00:00.000Z'],
    ['in Casablanca opens earlier after it', casablanca('08:00', '18:00'), '2026-03-21T18:00:00Z', '2026-03-22T07:00:00.000Z'],
  ])('%s', (_what, window, now, opens) => {
    expect(nextOpening(window, new Date(now))?.toISOString()).toBe(opens);
  });

  it('says at every half hour of a year the same as a clock on the wall', () => {
    const window = casablanca('07:00', '19:30');
    const wall = new Intl.DateTimeFormat('en-GB', {
      timeZone: window.timeZone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 30 * 60_000) {
      const time = wall.format(at);
      const isOpen = nextOpening(window, new Date(at)) === undefined;
      if (isOpen !== (time >= '07:00' && time < '19:30')) expect.fail(`${new Date(at).toISOString()} is ${time}`);
    }
  });

  it('is refused when it can never open', () => {
    expect(() => nextOpening({ ...office, days: [] }, new Date(0))).toThrow('never opens');
  });
});
