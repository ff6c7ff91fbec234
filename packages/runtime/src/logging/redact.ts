const REDACTED = '[redacted]';
const DEPTH_LIMIT = 8;

const SECRET_KEY = /^(?:.*(?:api|secret|private)[-_]?key|.*(?:password|secret|token)|.*authorization|.*cookie|bearer)$/i;
const PHONE_KEY = /phone|msisdn/i;
const MONEY_KEY = /amount|balance/i;

/**
 * A longer text is cut before it is searched, because strangers decide how long it is. The limit is well above every
 * stack and every logged answer of KPay.
 */
const MAX_CHARACTERS = 16_384;

/**
 * The shapes of secrets. KPay's own secrets begin with `sk_` or are 64 hexadecimal characters.
 *
 * Each pattern takes time in proportion to the text, whatever its content. Text that was searched without success is
 * part of the match and is returned unchanged, so no other search begins inside it. No pattern looks back over more
 * than a few characters.
 */
const SECRET_SHAPES: readonly [shape: RegExp, clean: (all: string, before?: string, secret?: string) => string][] = [
  [/\bkpay_(?:live|test)_[\w-]+/g, () => REDACTED],
  // Stream tokens occur in addresses.
  [/\bkpst_[\w-]+/g, () => REDACTED],
  [/\bsk_(?:live|test)_[\w-]+/g, () => REDACTED],
  [/\beyJ[\w-]+(\.[\w-]+(?:\.[\w-]*)?)?/g, (all, rest) => (rest === undefined ? all : REDACTED)],
  [/\b(bearer\s+)[^\s"',;]+/gi, (_all, before) => `${before}${REDACTED}`],
  [/(:\/\/[^\s:/@]*:)[^\s@]+(@?)/g, (all, before, at) => (at === '@' ? `${before}${REDACTED}@` : all)],
  [/\b[0-9a-f]{64}\b/gi, () => REDACTED],
];

// Numbers of 8 to 15 digits, in one piece or in groups, that are not part of a word, an id or a decimal.
const PHONE = /(?<![\w.-])\+?\d(?:[ -]?\d){7,14}(?![\w-]|\.\d)/g;
const TIME = /^\d{4}-\d\d-\d\d/;

/** Removes text that looks like a secret or a phone number. It takes time in proportion to the text. */
export function hideShapes(text: string): string {
  let clean = text;
  for (const [shape, replaced] of SECRET_SHAPES) clean = clean.replace(shape, replaced);
  return clean.replace(PHONE, (digits) => (TIME.test(digits) ? digits : '[number]'));
}

/** The beginning of a text that is too long. It ends where no secret or number is cut in two. */
function beginningOf(text: string, secrets: readonly string[]): string {
  let end = MAX_CHARACTERS;
  // The last word, then groups of a number that may stand before it, then the word whose end that cut.
  for (const part of [/\S/, /[\d\s+-]/, /\S/]) {
    while (end > 0 && part.test(text.charAt(end - 1))) end -= 1;
  }
  // A known secret can contain spaces.
  const cutInTwo = secrets.map((secret) => startOfLast(text, secret, end)).filter((start) => start < end);
  return text.slice(0, Math.min(end, ...cutInTwo));
}

/** Where a secret begins that crosses `end`; `end` when none does. */
function startOfLast(text: string, secret: string, end: number): number {
  const start = text.indexOf(secret, Math.max(0, end - secret.length + 1));
  return start < 0 ? end : Math.min(start, end);
}

export type Redact = (value: unknown) => unknown;

/**
 * Makes a function that copies a value for a log without secrets and phone numbers. It finds them by the names of keys,
 * by the shape of text at any depth, and by the exact `secrets`. It prefers to hide too much. The only long numbers
 * that it keeps are those under a key that names an amount or a balance.
 */
export function createRedact(secrets: readonly string[] | ReadonlySet<string> = []): Redact {
  let known: readonly string[] = [];
  let seen = 0;
  const readSecrets = () => {
    const count = 'size' in secrets ? secrets.size : secrets.length;
    if (count === seen) return;
    seen = count;
    // The longest first, because one secret may begin with another.
    known = [...secrets].filter((secret) => secret.length >= 4).sort((a, b) => b.length - a.length);
  };

  const redactText = (text: string): string => {
    const long = text.length > MAX_CHARACTERS;
    // A little more than the beginning, so that a secret that crosses its end is seen as a whole.
    let clean = long ? beginningOf(text.slice(0, MAX_CHARACTERS + (known[0]?.length ?? 0)), known) : text;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    clean = hideShapes(clean);
    return long ? `${clean}… [${text.length} characters]` : clean;
  };

  const redactField = (key: string, value: unknown, seen: readonly object[]): unknown => {
    if (value === undefined || value === null || typeof value === 'boolean') return value;
    if (SECRET_KEY.test(key) || PHONE_KEY.test(key)) return REDACTED;
    if (typeof value === 'string' && MONEY_KEY.test(key) && /^-?[\d.]+$/.test(value)) return value;
    return redact(value, seen);
  };

  const redact = (value: unknown, seen: readonly object[]): unknown => {
    if (typeof value === 'string') return redactText(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.includes(value)) return '[circular]';
    if (seen.length >= DEPTH_LIMIT) return '[deep]';
    if (value instanceof Date) return value;
    if (ArrayBuffer.isView(value)) return '[bytes]';
    const within = [...seen, value];
    if (Array.isArray(value)) return value.map((item) => redact(item, within));
    const source = value instanceof Error ? describeError(value) : plain(value);
    if (typeof source !== 'object' || source === null) return redact(source, within);
    return Object.fromEntries(Object.entries(source).map(([key, field]) => [key, redactField(key, field, within)]));
  };

  return (value) => {
    readSecrets();
    return redact(value, []);
  };
}

function plain(value: object): unknown {
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
}

function describeError(error: Error): object {
  const { name, message, stack, cause } = error;
  return { ...error, type: name, message, stack, ...(cause === undefined ? {} : { cause }) };
}
