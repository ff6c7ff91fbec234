import type { Language } from '../framework/language.ts';

/**
 * An amount in words, so that a zero too many is heard: `fifty thousand XAF`, `cinquante mille XAF`.
 *
 * @param decimal plain decimal text below a thousand thousand million.
 */
export function amountInWords(decimal: string, currency: string, language: Language): string {
  const [whole = '0', fraction = ''] = decimal.split('.');
  const words = language === 'fr' ? french(Number(whole)) : english(Number(whole));
  const cents = Number(fraction.padEnd(2, '0'));
  if (cents === 0) return `${words} ${currency}`;
  const part = language === 'fr' ? french(cents) : english(cents);
  return language === 'fr' ? `${words} ${currency} et ${part} centièmes` : `${words} ${currency} and ${part} hundredths`;
}

const EN =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const EN_TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

function english(value: number): string {
  if (value < 20) return EN[value] ?? '';
  if (value < 100) return joined(EN_TENS[Math.floor(value / 10)] ?? '', value % 10, english, '-');
  if (value < 1_000) return joined(`${english(Math.floor(value / 100))} hundred`, value % 100, english);
  for (const [size, name] of [
    [1e9, 'billion'],
    [1e6, 'million'],
    [1e3, 'thousand'],
  ] as const) {
    if (value >= size) return joined(`${english(Math.floor(value / size))} ${name}`, value % size, english);
  }
  return '';
}

const FR =
  'zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf'.split(
    ' ',
  );
const FR_TENS = '- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt'.split(' ');

function french(value: number): string {
  if (value < 20) return FR[value] ?? '';
  if (value < 100) {
    const tens = Math.floor(value / 10);
    const name = FR_TENS[tens] ?? '';
    // Seventy and ninety go on after sixty and eighty with ten to nineteen.
    const rest = (value % 10) + (tens === 7 || tens === 9 ? 10 : 0);
    if (rest === 0) return tens === 8 ? `${name}s` : name;
    return tens < 8 && (rest === 1 || rest === 11) ? `${name} et ${french(rest)}` : `${name}-${french(rest)}`;
  }
  if (value < 1_000) {
    const hundreds = Math.floor(value / 100);
    const name = hundreds === 1 ? 'cent' : `${french(hundreds)} cent`;
    return value % 100 === 0 && hundreds > 1 ? `${name}s` : joined(name, value % 100, french);
  }
  if (value < 1e6) {
    const thousands = Math.floor(value / 1_000);
    // `quatre-vingt` and `cent` take no s before mille.
    const name = thousands === 1 ? 'mille' : `${french(thousands).replace(/(quatre-vingt|cent)s$/, '$1')} mille`;
    return joined(name, value % 1_000, french);
  }
  const [size, name] = value >= 1e9 ? [1e9, 'milliard'] : [1e6, 'million'];
  const count = Math.floor(value / size);
  return joined(`${french(count)} ${name}${count > 1 ? 's' : ''}`, value % size, french);
}

function joined(before: string, rest: number, words: (value: number) => string, by = ' '): string {
  return rest === 0 ? before : `${before}${by}${words(rest)}`;
}
