const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPENING: ReadonlySet<number> = new Set([91, 123]);
const CLOSING: ReadonlySet<number> = new Set([93, 125]);

/** How large a JSON text may be in its structure. */
export interface JsonBounds {
  /** How deep lists and objects may stand in one another. */
  depth: number;
  /** How many entries a list or an object may have. */
  entries: number;
}

/**
 * Which bound a JSON text passes, told by one look at its characters before anything parses it: what walks a parsed value
 * step by step must not be led as deep or as wide as somebody likes.
 */
export function boundPassed(text: string, { depth: mostDepth, entries: mostEntries }: JsonBounds): keyof JsonBounds | undefined {
  const commas: number[] = [0];
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === COMMA) {
      const seen = (commas[depth] ?? 0) + 1;
      if (seen >= mostEntries) return 'entries';
      commas[depth] = seen;
    } else if (OPENING.has(code)) {
      depth += 1;
      if (depth > mostDepth) return 'depth';
      commas[depth] = 0;
    } else if (CLOSING.has(code)) depth -= 1;
  }
  return undefined;
}
