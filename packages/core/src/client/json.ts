import { boundPassed } from './json-bounds.ts';

// JSON.parse has handed a reviver the source text of each primitive since Node 21; TypeScript's library does not know.
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Far more than any answer of KPay's has. */
const BOUNDS = { depth: 100, entries: 10_000 };
/** A decimal of up to 15 digits is the same decimal after a float: longer runs need the source text. */
const MAYBE_INEXACT = /[\d.]{16}/;

/**
 * Parses JSON with every number kept as decimal text of the same value, because a float would round money.
 * @throws SyntaxError, also when it is deeper or wider than any answer of KPay's.
 */
export function parseExactJson(text: string): unknown {
  const passed = boundPassed(text, BOUNDS);
  if (passed !== undefined) throw new SyntaxError(`it passes the bound of ${BOUNDS[passed]} for ${passed}`);
  if (!MAYBE_INEXACT.test(text)) return withNumbersAsText(JSON.parse(text));
  return parseWithSource(text, (_key, value, { source }) => (typeof value === 'number' ? (source ?? String(value)) : value));
}

/** Replaces numbers in place: a reviver costs several times the parsing itself. */
function withNumbersAsText(value: unknown): unknown {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    const field = fields[key];
    if (typeof field === 'number') fields[key] = String(field);
    else if (typeof field === 'object' && field !== null) withNumbersAsText(field);
  }
  return value;
}
