import { type Command, flagOf, type ListedCommand, optionsOf, type Section, sections } from './command.ts';
import type { Io } from './io.ts';
import type { Text } from './language.ts';

export const sectionTitles: Readonly<Record<Section, Text>> = {
  transfers: { en: 'Transfers', fr: 'Transferts' },
  figures: { en: "KPay's figures", fr: 'Chiffres de KPay' },
  control: { en: 'Control', fr: 'Contrôle' },
  setup: { en: 'Set up', fr: 'Réglages' },
  system: { en: 'The system itself', fr: 'Le système lui-même' },
};

const PITCH: Text = {
  en: 'Move money between KPay wallets, once, and see it.',
  fr: "Déplacer l'argent entre portefeuilles KPay, une seule fois, et le voir.",
};
const INDENT = '  ';
const USUAL_WIDTH = 100;

/** All commands, by section. */
export function overview(io: Io, commands: readonly ListedCommand[]): string {
  const lines = [io.text(PITCH), '', `${io.text({ en: 'Usage:', fr: 'Utilisation :' })} kpay <command> [options]`];
  for (const section of sections) {
    const own = commands.filter((command) => command.section === section);
    if (own.length === 0) continue;
    lines.push('', io.style('bold', io.text(sectionTitles[section])));
    lines.push(
      ...twoColumns(
        io,
        own.map(({ name, summary }) => [name, io.text(summary)]),
      ),
    );
  }
  lines.push(
    '',
    ...wrap(
      io.text({
        en: 'kpay <command> --help says more of one. docs/cli.md has the exit codes and what --json writes.',
        fr: 'kpay <command> --help en dit plus. docs/cli.md a les codes de retour et ce que --json écrit.',
      }),
      widthOf(io),
    ),
  );
  return lines.join('\n');
}

/** The commands that begin with a word: `kpay transfer`. */
export function groupHelp(io: Io, word: string, commands: readonly ListedCommand[]): string {
  const own = commands.filter(({ name }) => name.startsWith(`${word} `));
  const head = `${io.text({ en: 'Usage:', fr: 'Utilisation :' })} kpay ${word} <command> [options]`;
  return [
    head,
    '',
    ...twoColumns(
      io,
      own.map(({ name, summary }) => [name, io.text(summary)]),
    ),
  ].join('\n');
}

/** Everything about a command. */
export function commandHelp(io: Io, command: Command): string {
  const { summary, description, examples = [], json } = command;
  const width = widthOf(io);
  const options = Object.entries(optionsOf(command));
  const lines = [
    ...wrap(sentence(io.text(summary)), width),
    ...(description ? ['', ...wrap(io.text(description), width)] : []),
    '',
    ...wrap(`${io.text({ en: 'Usage:', fr: 'Utilisation :' })} ${usageOf(command)}`, width),
  ];
  const args = Object.entries(command.arguments ?? {});
  if (args.length > 0) {
    lines.push('', io.style('bold', io.text({ en: 'Arguments', fr: 'Arguments' })));
    lines.push(
      ...twoColumns(
        io,
        args.map(([name, spec]) => [`<${name}>`, io.text(spec.summary) + choicesOf(spec.choices)]),
      ),
    );
  }
  lines.push('', io.style('bold', 'Options'));
  lines.push(
    ...twoColumns(
      io,
      options.map(([name, spec]) => [flagWithValue(name, spec), io.text(spec.summary) + choicesOf(spec.choices, spec.usual)]),
    ),
  );
  if (json)
    lines.push('', io.style('bold', '--json'), ...wrap(io.text(json), width - INDENT.length).map((line) => INDENT + line));
  if (examples.length > 0) {
    lines.push(
      '',
      io.style('bold', io.text({ en: 'Examples', fr: 'Exemples' })),
      ...examples.map((each) => `${INDENT}kpay ${each}`),
    );
  }
  return lines.join('\n');
}

/** A summary as a sentence. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export function usageOf(command: Command): string {
  const args = Object.entries(command.arguments ?? {}).map(([name, { required }]) => (required ? `<${name}>` : `[<${name}>]`));
  const needed = Object.entries(command.options ?? {}).flatMap(([name, spec]) =>
    spec.required ? [flagWithValue(name, spec)] : [],
  );
  return ['kpay', command.name, ...args, ...needed, '[options]'].join(' ');
}

export function flagWithValue(name: string, { type, value = 'text' }: { type: string; value?: string }): string {
  return type === 'flag' ? flagOf(name) : `${flagOf(name)} <${value}>`;
}

export function choicesOf(choices: readonly string[] | undefined, usual?: string): string {
  return `${choices ? ` (${choices.join(', ')})` : ''}${usual === undefined ? '' : ` [${usual}]`}`;
}

function widthOf(io: Io): number {
  return Math.max(20, Math.min(io.width ?? USUAL_WIDTH, USUAL_WIDTH));
}

function twoColumns(io: Io, rows: readonly (readonly [string, string])[]): string[] {
  const width = widthOf(io);
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  const narrow = width < left + 24;
  return rows.flatMap(([name, text]) => {
    if (narrow) return [`${INDENT}${name}`, ...wrap(text, width - 6).map((line) => `      ${line}`)];
    const [first = '', ...more] = wrap(text, width - left - 4);
    const below = [...(name.length > left ? [first] : []), ...more].map((line) => `${' '.repeat(left + 4)}${line}`);
    return [name.length > left ? `${INDENT}${name}` : `${INDENT}${name.padEnd(left)}${INDENT}${first}`, ...below];
  });
}

/** Lines of at most `width` characters, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
