import * as z from 'zod';

/** KPay's answer differs from what is documented, in a way that does no harm. Told once for each path. */
export interface Drift {
  endpoint: string;
  /** Where, as in "[].providers[].operationTypes[].status". */
  path: string;
  kind: 'unknown_field' | 'unknown_value' | 'unreadable_row';
}

export type ReportDrift = (endpoint: string, path: string, kind: Drift['kind']) => void;

/** An answer can be made of anything: no more paths than this are remembered. */
const MAX_PATHS = 500;

/** Hands each difference to `onDrift` once. */
export function createDriftReporter(onDrift: (drift: Drift) => void): ReportDrift {
  const seen = new Set<string>();
  return (endpoint, path, kind) => {
    const key = `${endpoint} ${kind} ${path}`;
    if (seen.has(key) || seen.size >= MAX_PATHS) return;
    seen.add(key);
    onDrift({ endpoint, path, kind });
  };
}

/** Calls `found` with the path of every field in `value` that `schema` does not name. */
export function findUnknownFields(schema: z.ZodType, value: unknown, found: (path: string) => void, path = ''): void {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodCatch) {
    findUnknownFields(schema.unwrap() as z.ZodType, value, found, path);
  } else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const item of value) findUnknownFields(schema.element as z.ZodType, item, found, `${path}[]`);
  } else if (schema instanceof z.ZodObject && typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      const known = Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined;
      if (known) findUnknownFields(known as z.ZodType, field, found, at);
      else found(at.slice(0, 200));
    }
  }
}
