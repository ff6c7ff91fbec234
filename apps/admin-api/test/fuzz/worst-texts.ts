/** Texts that are the most expensive for parsers, formats and searches, each about as long as requested. */
export function worstTexts(length: number): readonly (readonly [name: string, text: string])[] {
  const fill = (piece: string, end = '') => piece.repeat(Math.floor((length - end.length) / piece.length)) + end;
  return [
    ['letters', fill('x')],
    ['spaces', fill(' ', '=')],
    ['digits', fill('1')],
    ['digits in groups', fill('1 ')],
    ['decimals', fill('1.')],
    ['signs', fill('-')],
    ['plus and digits', fill('+1')],
    ['commas', fill(',')],
    ['semicolons', fill(';')],
    ['separators', fill(';\t=')],
    ['colons', fill('a:')],
    ['dots', fill('a.')],
    ['slashes', fill('/')],
    ['at signs', fill('a@')],
    ['hexadecimal', fill('a1')],
    ['UUIDs', fill('00000000-0000-4000-8000-000000000000')],
    ['times', fill('2026-01-01T00:00:00')],
    ['a long fraction of a second', `2026-01-01T00:00:00.${fill('0', 'X')}`],
    ['addresses', fill('10.0.0.0/8,')],
    ['quotes', fill('"')],
    ['backslashes', fill('\\')],
    ['escapes', fill('\\u0000')],
    ['line feeds', fill('\n')],
    ['returns', fill('\r')],
    ['percents', fill('%41')],
    ['ampersands', fill('a=1&')],
    ['opening brackets', fill('[')],
    ['beyond ASCII', fill('é')],
    ['emoji', fill('💸')],
    ['turned around', fill('\u202e')],
    ['bearers', fill('Bearer ')],
    ['tokens', fill('eyJ')],
    ['token dots', fill('eyJa.')],
    ['keys', fill('kpay_test_')],
    ['passwords in addresses', fill('://a:')],
    ['phones', fill('"phone":"1')],
  ];
}

/** JSON values that cost more than their length suggests. */
export function worstJson(bytes: number): readonly (readonly [name: string, text: string])[] {
  const list = (item: string) =>
    `[${Array(Math.floor(bytes / (item.length + 1)))
      .fill(item)
      .join(',')}]`;
  const object = (value: string) =>
    `{${Array.from({ length: Math.floor(bytes / (value.length + 11)) }, (_, n) => `"${String(n).padStart(7, 'k')}":${value}`).join(',')}}`;
  const deep = (open: string, close: string) =>
    open.repeat(bytes / (open.length + close.length)) + close.repeat(bytes / (open.length + close.length));
  return [
    ['a list of numbers', list('1')],
    ['a list of texts', list('"10.0.0.0/8"')],
    ['a list of empty objects', list('{}')],
    ['a list of limits', list('{"currency":"XAF","amount":1,"hours":1}')],
    ['an object of numbers', object('1')],
    ['an object of texts', object('"x"')],
    ['an object of control characters', object('"\\u0001"')],
    ['deep lists', deep('[', ']')],
    ['deep objects', deep('{"a":', '}').replace('}', '1}')],
    ['one long number', '1'.repeat(bytes)],
    ['a long decimal', `0.${'1'.repeat(bytes - 2)}`],
  ];
}
