import * as z from 'zod';

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
