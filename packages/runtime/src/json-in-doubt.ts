/** Such as 500.000, which half of the countries read as half a million: JSON.parse makes 500 of it. */
const THOUSANDS_OR_DECIMALS = /^\d{1,3}\.\d{3}$/;

/**
 * A reviver for JSON.parse: an `amount` that is a number and can be read in two ways stays the text that was written, so
 * that whoever reads amounts refuses it as the same text in quotes.
 *
 * @param context what JSON.parse has given a reviver since Node 21.
 */
export function amountAsWritten(key: string, value: unknown, context?: { source?: string }): unknown {
  if (key !== 'amount' || typeof value !== 'number') return value;
  return THOUSANDS_OR_DECIMALS.test(context?.source ?? '') ? context?.source : value;
}

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const SPACES: ReadonlySet<number> = new Set([32, 9, 10, 13]);

/**
 * The first name that stands twice in one object of a JSON text. JSON.parse silently takes the last of the two, others the
 * first: nobody can tell which one its writer means. Of a text that is no JSON it may say anything.
 */
export function repeatedName(text: string): string | undefined {
  // The names of each object that is open; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const begin = at;
      for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; at += 1) if (text.charCodeAt(at) === BACKSLASH) at += 1;
      const names = open.at(-1);
      if (!names || !isColonNext(text, at + 1)) continue;
      const name = unescaped(text.slice(begin, at + 1));
      if (names.has(name)) return name;
      names.add(name);
    } else if (code === 123) open.push(new Set());
    else if (code === 91) open.push(undefined);
    else if (code === 125 || code === 93) open.pop();
  }
  return undefined;
}

function isColonNext(text: string, from: number): boolean {
  let at = from;
  while (SPACES.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** `"am\u006funt"` and `"amount"` are one name. */
function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted.slice(1, -1);
  }
}
