export type Language = 'en' | 'fr';

/** A text in each language. */
export interface Text {
  en: string;
  fr: string;
}

/** How a terminal wants its texts, by the variables that POSIX gives: LC_ALL before LC_MESSAGES and LC_CTYPE before LANG. */
export interface Locale {
  language: Language;
  /** Whether characters beyond ASCII can be shown. */
  unicode: boolean;
}

export function localeOf(env: NodeJS.ProcessEnv): Locale {
  const of = (category: string) =>
    [env.LC_ALL, env[category], env.LANG].find((value) => value !== undefined && value !== '') ?? '';
  return { language: /^fr([_.@-]|$)/i.test(of('LC_MESSAGES')) ? 'fr' : 'en', unicode: /utf-?8/i.test(of('LC_CTYPE')) };
}

const ASCII: Readonly<Record<string, string>> = {
  '…': '...',
  '’': "'",
  '→': '->',
  '·': '-',
  '—': '-',
  '─': '-',
  '■': 'o',
  '▲': '!',
  '✕': 'x',
  '\u00a0': ' ',
  '\u202f': ' ',
  œ: 'oe',
  '«': '"',
  '»': '"',
};

/** The nearest text in ASCII, for terminals of other character sets. */
export function asciiOf(text: string): string {
  return text
    .replaceAll(/[…’→·—─■▲✕\u00a0\u202fœ«»]/g, (character) => ASCII[character] ?? '?')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[\u0080-\uffff]/g, '?');
}
