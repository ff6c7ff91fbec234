import { types } from 'node:util';

const SECRET_SHAPES: readonly RegExp[] = [
  /\bBearer\s+[^\s"',]+/gi,
  // A JWT, its signature cut off or not.
  /\beyJ[\w-]+(?:\.[\w-]*){0,2}/g,
  /\b(?:kpay|sk)_(?:test|live)_\w+/gi,
  // Real secrets of KPay have been seen as 64 bare hex characters.
  /\b[0-9a-f]{40,}\b/gi,
];

// Grouped digits need a leading +. A bare JSON number is an amount or a time and stays, unless its field names a
// phone; digits within a UUID stay too.
const PHONE_SHAPES: readonly RegExp[] = [
  /\+\d[\d\s().-]{6,}\d/g,
  /(?<="[^"]{0,20}(?:phone|msisdn)[^"]{0,20}"\s?:\s?)\d+/gi,
  /(?<!"\s?:\s?)(?<![\w]|\d\.|[0-9a-f]{4}-)\d{8,15}(?!\w|\.\d|-[0-9a-f]{4})/gi,
];

const MASK = '[redacted]';

/**
 * Replaces what must not be seen in text from outside: the given secrets, whatever looks like a key or a token, and
 * phone numbers. For texts that people read; it is no parser.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  // Very short ones would blot out ordinary text, and are no secrets.
  for (const secret of secrets) if (secret.length >= 6) clean = clean.replaceAll(secret, MASK);
  for (const shape of SECRET_SHAPES) clean = clean.replace(shape, MASK);
  for (const shape of PHONE_SHAPES) clean = clean.replace(shape, MASK);
  return clean;
}

/** What a library threw, without the objects it may hang on an error: those can carry requests and answers. */
export function plainCause(error: unknown, secrets: readonly string[]): Error | undefined {
  if (error === undefined) return undefined;
  if (!types.isNativeError(error)) return new Error('not an error');
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return new Error(snippet(`${code}${error.message}`, 300, secrets));
}

/** Redacted, storable text cut to `maxCharacters`. Only the beginning is looked at, so a huge answer costs nothing. */
export function snippet(text: string, maxCharacters: number, secrets: readonly string[]): string {
  return storableText(redact(text.slice(0, 8 * maxCharacters), secrets).slice(0, maxCharacters));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/**
 * Text from outside as every store takes it: Postgres refuses U+0000 in text and lone surrogates in JSON, and then the
 * outcome that the text comes with could not be stored. Such characters become U+FFFD. Cut the text first: a cut can
 * leave half of a surrogate pair.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replace(CONTROL_CHARACTERS, '\uFFFD');
}
