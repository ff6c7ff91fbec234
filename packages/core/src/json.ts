// JSON.parse has handed a reviver the source text of each primitive since Node 21; TypeScript's library does not know.
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * Parses JSON with every number kept as the decimal text it was written with, because a float would round money.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return parseWithSource(text, (_key, value, { source }) => (typeof value === 'number' ? (source ?? String(value)) : value));
}
