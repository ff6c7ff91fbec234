import { expect, it } from 'vitest';
import { nameSchema, refusedCharacter, textSchema } from './text.ts';

const everywhere = ['\u0000', '\u0007', '\u000b', '\u001b', '\u007f', '\u0085', '\u009b', '\u200b', '\u2028', '\u202e', '\u2066'];

it.each([...everywhere, '\ufeff', '\uffff', '\ud800', '\udfff'])('refuses %j in every text, and names it', (character) => {
  const written = `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  for (const kind of ['name', 'text'] as const) expect(refusedCharacter(`a${character}b`, kind)).toBe(written);
});

it.each(['\t', '\n', '\r\n', '\u200d', '\u200f', '\u00ad', '\u{e0067}'])('takes %j in a text, but in no name', (character) => {
  expect(refusedCharacter(`a${character}b`, 'text')).toBeUndefined();
  expect(refusedCharacter(`a${character}b`, 'name')).toMatch(/^U\+[0-9A-F]{4,5}$/);
});

it.each(['order 1', 'é', 'مرحبا', '💸🇨🇲', '日本', "'; drop table", '\u00a0'])('takes %j in every text', (value) => {
  expect(refusedCharacter(value, 'name')).toBeUndefined();
});

it('cuts spaces off at the ends, and says what is wrong', () => {
  expect(nameSchema(20).parse(' order 1 ')).toBe('order 1');
  expect(textSchema(8).safeParse('a\u202eb').error?.issues[0]?.message).toBe(
    'must not contain U+202E: control and invisible characters are refused',
  );
  expect(textSchema(8).safeParse(' ').error?.issues[0]?.message).toBe('must not be empty');
  expect(textSchema(8).safeParse(`\u0000${'x'.repeat(1_000_000)}`).error?.issues).toMatchObject([
    { message: 'must be at most 8 characters' },
  ]);
});
