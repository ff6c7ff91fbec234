const REDACTED = '[redacted]';
const DEPTH_LIMIT = 8;

const SECRET_KEY = /^(?:.*(?:api|secret|private)[-_]?key|.*(?:password|secret|token)|.*authorization|.*cookie|bearer)$/i;
const PHONE_KEY = /phone|msisdn/i;
const MONEY_KEY = /amount|balance/i;

/** What a secret looks like wherever it stands. KPay's own secrets begin `sk_` or are 64 bare hex characters. */
const SECRET_SHAPES = [
  /\bkpay_(?:live|test)_[\w-]+/g,
  /\bsk_(?:live|test)_[\w-]+/g,
  /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
  /(?<=\bbearer\s+)[^\s"',;]+/gi,
  /(?<=:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g,
  /\b[0-9a-f]{64}\b/gi,
];

// Numbers of 8 to 15 digits, written together or in groups, that are no part of a word, an id or a decimal.
const PHONE = /(?<![\w.-])\+?\d(?:[ -]?\d){7,14}(?![\w-]|\.\d)/g;
const TIME = /^\d{4}-\d\d-\d\d/;

export type Redact = (value: unknown) => unknown;

/**
 * Makes a function that copies a value for a log without secrets and phone numbers: by the names of keys, by the
 * shape of text at any depth, and by the exact `secrets` that the process knows. It prefers to hide too much; the
 * one figure of many digits it leaves is what stands under a key that names an amount or a balance.
 */
export function createRedact(secrets: readonly string[] | ReadonlySet<string> = []): Redact {
  let known: readonly string[] = [];
  let seen = 0;
  const lookAtSecrets = () => {
    const count = 'size' in secrets ? secrets.size : secrets.length;
    if (count === seen) return;
    seen = count;
    // The longest first: one secret may begin with another.
    known = [...secrets].filter((secret) => secret.length >= 4).sort((a, b) => b.length - a.length);
  };

  const redactText = (text: string): string => {
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    for (const shape of SECRET_SHAPES) clean = clean.replace(shape, REDACTED);
    return clean.replace(PHONE, (digits) => (TIME.test(digits) ? digits : '[number]'));
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
    lookAtSecrets();
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
