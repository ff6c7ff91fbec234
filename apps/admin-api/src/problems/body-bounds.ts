export const MAX_BODY_BYTES = 100_000;
export const MAX_LINES_BYTES = 5_000_000;
/** Far above what a valid body needs. */
export const JSON_BOUNDS = { depth: 32, entries: 1_000 };
