import * as z from 'zod';

// C0 without tab, LF and CR; DEL and C1; separators of lines and paragraphs; what turns the direction of the text around it;
// spaces and joiners of no width; halves of surrogate pairs, which UTF-8 cannot write; and what is no character.
const REFUSED_IN_TEXTS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|\p{Cs}/u;
// Also all that cannot be seen: two names that look alike must be alike.
const REFUSED_IN_NAMES = /[\t\n\r]|\p{Cf}/u;

/**
 * The first character that a text from outside may not have, as `U+202E`; undefined when there is none. A `text` may have
 * lines, tabs and the joiners of scripts and emoji; a `name`, by which something is found again, none of them.
 */
export function refusedCharacter(value: string, kind: 'name' | 'text'): string | undefined {
  const patterns = kind === 'name' ? [REFUSED_IN_TEXTS, REFUSED_IN_NAMES] : [REFUSED_IN_TEXTS];
  const [first] = patterns.flatMap((pattern) => pattern.exec(value) ?? []);
  return first && `U+${(first.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** What every free text of a caller is held against, whichever door it comes by; spaces at its ends are cut off. */
export function textSchema(maxLength: number): z.ZodString {
  return clean('text', upTo(maxLength).trim()).min(1, 'must not be empty');
}

/** The same for a name or an id of the caller's own. */
export function nameSchema(maxLength: number): z.ZodString {
  return clean('name', upTo(maxLength).trim()).min(1, 'must not be empty');
}

/** A text that may be empty and keeps the spaces at its ends. */
export function valueSchema(maxLength: number): z.ZodString {
  return clean('text', upTo(maxLength));
}

// What is too long is not searched.
const upTo = (maxLength: number) => z.string().max(maxLength, { error: `must be at most ${maxLength} characters`, abort: true });

function clean(kind: 'name' | 'text', schema: z.ZodString): z.ZodString {
  return schema.refine((value) => refusedCharacter(value, kind) === undefined, {
    error: ({ input }) =>
      `must not contain ${refusedCharacter(String(input), kind)}: control and invisible characters are refused`,
  });
}
