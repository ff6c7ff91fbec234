import type { Language } from '../framework/language.ts';

const POINT: Readonly<Record<Language, string>> = { en: '.', fr: ',' };
// French groups by a narrow space that does not break a line.
const GROUP: Readonly<Record<Language, string>> = { en: ',', fr: '\u202f' };

/** A decimal text of the API as people of a language write it: `50,000` or `50 000`. */
export function showNumber(decimal: string, language: Language): string {
  const [, sign = '', whole = '', fraction] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '') return decimal;
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, GROUP[language]);
  return `${sign}${grouped}${fraction === undefined ? '' : POINT[language] + fraction}`;
}

export function showAmount(amount: string | null, currency: string, language: Language): string {
  return amount === null ? '' : `${showNumber(amount, language)} ${currency}`;
}

/** A time of the API in this machine's time zone, to the second: `2026-11-29 09:22:16`. */
export function showTime(iso: string | null): string {
  if (iso === null) return '';
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date} ${[two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(':')}`;
}

/** A length of time in its two largest units: `3 min 5 s`. */
export function showDuration(ms: number, language: Language): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const units: readonly (readonly [number, string])[] = [
    [86_400, language === 'fr' ? 'j' : 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return '0 s';
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, name] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.join(' ');
}
