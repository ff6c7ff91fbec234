import { sandboxNumbers } from './sandbox-numbers.ts';

/** Hides what must not be printed: the known secrets, anything like a token, and whole phone numbers. */
export function createRedactor(known: readonly string[]): { redact(text: string): string; addSecret(secret: string): void } {
  const secrets = new Set(known);
  const documented: ReadonlySet<string> = new Set(Object.values(sandboxNumbers));
  return {
    addSecret(secret) {
      secrets.add(secret);
    },
    redact(text) {
      let safe = text;
      for (const secret of secrets) if (secret !== '') safe = safe.replaceAll(secret, '[secret]');
      return safe
        .replace(/\beyJ[\w-]+(\.[\w-]*)*/g, '[token]')
        .replace(/\d{9,}/g, (digits) => (documented.has(digits) ? digits : `[${digits.length} digits]`));
    },
  };
}
