import { z } from 'zod';
import type { Check } from '../checks/check.ts';

/** The name of the plugin that the built-in checks are. */
export const BUILT_IN = 'kpay';

/** What adds to kpay-ops from outside. Each part runs where it belongs; a plugin has those it needs. */
export interface Plugin {
  /** Stands in reasons, logs and metrics: 1 to 32 of a to z, 0 to 9 and -. */
  name: string;
  /** Asked by the worker before each first send, after the built-in ones. */
  checks?: readonly Check[];
}

// A check that waits keeps one of the worker's places.
const MOST_CHECK_MS = 90_000;

const nameSchema = z
  .string({ error: 'must be a name of a to z, 0 to 9 and -' })
  .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a to z, 0 to 9 and -');

// Functions are left as they are: a parsed copy would lose the object they were written in.
const functionSchema = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');

const checkSchema = z.looseObject({
  name: nameSchema,
  timeoutMs: z
    .number('must be milliseconds')
    .positive('must be above 0')
    .max(MOST_CHECK_MS, `must be at most ${MOST_CHECK_MS}`)
    .exactOptional(),
  check: functionSchema,
});

const partsOf = <Part extends z.ZodType<{ name: string }>>(part: Part) =>
  z
    .array(part, { error: 'must be a list' })
    .refine((parts) => new Set(parts.map(({ name }) => name)).size === parts.length, 'must not have two of one name')
    .exactOptional();

// Strict: a misspelt part would silently not be there.
const pluginSchema = z.strictObject({
  name: nameSchema.refine((name) => name !== BUILT_IN, `must not be ${BUILT_IN}, which is the built-in one`),
  checks: partsOf(checkSchema),
});

/**
 * Declares a plugin: the default export of a module that KPAY_PLUGINS names (docs/plugins.md).
 *
 * @throws TypeError naming the part that is wrong.
 */
export function definePlugin(plugin: Plugin): Plugin {
  const problem = problemOf(plugin);
  if (problem !== undefined) throw new TypeError(`plugin ${problem}`);
  return plugin;
}

/** What is wrong with something that should be a plugin, or undefined. */
export function problemOf(plugin: unknown): string | undefined {
  const parsed = pluginSchema.safeParse(plugin);
  const [issue] = parsed.error?.issues ?? [];
  if (!issue) return undefined;
  const place = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  if (issue.code === 'unrecognized_keys') return `has unknown parts: ${issue.keys.join(', ')}`;
  return place === '' ? 'must be an object' : `${place.slice(1)} ${issue.message}`;
}
