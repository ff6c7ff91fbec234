const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPENING = { list: 91, object: 123 };
const CLOSING: ReadonlySet<number> = new Set([93, 125]);
const SPACES: ReadonlySet<number> = new Set([32, 9, 10, 13]);
/** Half of the countries read 500.000 as half a million, but JSON.parse reads it as 500. */
const THOUSANDS_OR_DECIMALS = /([1-9]\d{0,2})\.(\d{3})(?![\d.eE])/y;

/**
 * What a JSON text holds that can be read in two ways, as text that follows its name; undefined when all is clear. One
 * case is a name that occurs twice in one object: JSON.parse silently takes the last value, other parsers the first.
 * The other is an `amount` that is a number like 500.000; in quotes, the parser of amounts refuses it. For a text that
 * is no JSON the result has no meaning.
 */
export function doubtIn(text: string): string | undefined {
  // The names in each open object; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const begin = at;
      for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; at += 1) if (text.charCodeAt(at) === BACKSLASH) at += 1;
      const names = open.at(-1);
      const colon = afterSpaces(text, at + 1);
      if (!names || text.charCodeAt(colon) !== COLON) continue;
      const name = unescaped(text.slice(begin, at + 1));
      if (names.has(name)) return `has the field ${name.slice(0, 80)} twice in one object`;
      names.add(name);
      const doubt = name === 'amount' ? doubtOfAmount(text, afterSpaces(text, colon + 1)) : undefined;
      if (doubt !== undefined) return doubt;
    } else if (code === OPENING.object) open.push(new Set());
    else if (code === OPENING.list) open.push(undefined);
    else if (CLOSING.has(code)) open.pop();
  }
  return undefined;
}

function doubtOfAmount(text: string, at: number): string | undefined {
  THOUSANDS_OR_DECIMALS.lastIndex = at;
  const [number, whole, three = ''] = THOUSANDS_OR_DECIMALS.exec(text) ?? [];
  if (number === undefined) return undefined;
  return `has the amount ${number}, which can be read in two ways: write ${whole}${three} or ${whole}.${three.slice(0, 2)}`;
}

function afterSpaces(text: string, from: number): number {
  let at = from;
  while (SPACES.has(text.charCodeAt(at))) at += 1;
  return at;
}

/** Decodes escapes: `"am\u006funt"` and `"amount"` are the same name. */
function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted.slice(1, -1);
  }
}
