import { type Command, type OptionSpec, optionsOf, type Section, sections } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { choicesOf, flagWithValue, sectionTitles, sentence, usageOf, wrap } from '../framework/help.ts';
import { exitCodeWords } from './exit-code-words.ts';

/** Codes that every command can end with. */
const OF_ALL: readonly number[] = [0, 1, 2, 4, 10, 130];

function exitsOf({ exits = [] }: Command): readonly number[] {
  return exits.filter((code) => !OF_ALL.includes(code)).toSorted((a, b) => a - b);
}

const ownOptions = (command: Command): [string, OptionSpec][] =>
  Object.entries(optionsOf(command)).filter(([name]) => !['profile', 'url', 'keyFile', 'help'].includes(name));

const bySection = (commands: readonly Command[]): [Section, Command[]][] =>
  sections.flatMap((section) => {
    const own = commands.filter((command) => command.section === section);
    return own.length === 0 ? [] : [[section, own]];
  });

/** The part of docs/cli.md below its hand-written head: a table of exit codes and every command. */
export function markdown(commands: readonly Command[]): string {
  const codes = Object.values(exitCodes).map((code) => `| ${code} | ${exitCodeWords[code]} |`);
  const parts = bySection(commands).map(
    ([section, own]) => `## ${sectionTitles[section].en}\n\n${own.map((command) => commandMarkdown(command)).join('\n\n')}`,
  );
  return ['## Exit codes', '', '| code | meaning |', '|---|---|', ...codes, '', ...parts.flatMap((part) => [part, ''])].join(
    '\n',
  );
}

function commandMarkdown(command: Command): string {
  const { name, summary, description, arguments: args = {}, examples = [], json, stores } = command;
  const rows = [
    ...Object.entries(args).map(([each, spec]) => [`<${each}>`, spec.summary.en + choicesOf(spec.choices)]),
    ...ownOptions(command).map(([each, spec]) => [
      flagWithValue(each, spec),
      spec.summary.en + choicesOf(spec.choices, spec.usual),
    ]),
  ];
  const more = exitsOf(command);
  const lines = [
    `### kpay ${name}`,
    '',
    `${sentence(summary.en)}${stores ? ' In the repository and the image only.' : ''}${description ? ` ${description.en}` : ''}`,
    '',
    '```sh',
    usageOf(command),
    ...examples.map((example) => `kpay ${example}`),
    '```',
    ...(rows.length === 0
      ? []
      : ['', '| | |', '|---|---|', ...rows.map(([left, right = '']) => `| \`${left}\` | ${right.replaceAll('|', '\\|')} |`)]),
    ...(json ? ['', `\`--json\` writes: ${json.en}.`] : []),
    ...(more.length === 0 ? [] : ['', `It can also end with ${more.join(', ')}.`]),
  ];
  return lines.flatMap((line) => (/^[|`#]|^kpay /.test(line) ? [line] : wrap(line, 120))).join('\n');
}

/** kpay(1), for man. @param version of the package. */
export function manPage(commands: readonly Command[], version: string): string {
  const roff = (text: string) =>
    text
      .replaceAll('\\', '\\e')
      .replaceAll('-', '\\-')
      .replaceAll(/^([.'])/gm, '\\&$1');
  const lines = [
    `.TH KPAY 1 "" "kpay ${version}" "User commands"`,
    '.SH NAME',
    `kpay \\- move money between KPay wallets, once, and see it`,
    '.SH SYNOPSIS',
    '.B kpay',
    '.I command',
    '[options]',
    ...bySection(commands).flatMap(([section, own]) => [
      `.SH ${sectionTitles[section].en.toUpperCase()}`,
      ...own.flatMap((command) => [
        '.TP',
        `.B ${roff(usageOf(command))}`,
        roff(sentence(command.summary.en) + (command.description ? ` ${command.description.en}` : '')),
        ...[
          ...Object.entries(command.arguments ?? {}).map(
            ([name, spec]) => [`<${name}>`, spec.summary.en + choicesOf(spec.choices)] as const,
          ),
          ...ownOptions(command).map(
            ([name, spec]) => [flagWithValue(name, spec), spec.summary.en + choicesOf(spec.choices, spec.usual)] as const,
          ),
        ].flatMap(([name, text]) => ['.RS', '.TP', `.B ${roff(name)}`, roff(text), '.RE']),
      ]),
    ]),
    '.SH EXIT STATUS',
    ...Object.values(exitCodes).flatMap((code) => ['.TP', `.B ${code}`, roff(exitCodeWords[code])]),
    '.SH ENVIRONMENT',
    ...[
      ['KPAY_API_URL, KPAY_TOKEN', 'the API and the key, without a profile; KPAY_TOKEN_FILE names a file with the key'],
      ['KPAY_PROFILE', 'the profile to use'],
      ['KPAY_CONFIG_DIR', 'the folder of profiles.json'],
      ['LC_ALL, LC_MESSAGES, LANG', 'English or French'],
      ['NO_COLOR', 'no colours'],
    ].flatMap(([name = '', text = '']) => ['.TP', `.B ${roff(name)}`, roff(text)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Every word that somebody can rely on, a line each: nothing of it may vanish by accident. */
export function surface(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `kpay ${command.name}${command.stores ? ' (stores)' : ''}`,
    ...Object.entries(command.arguments ?? {}).map(
      ([name, { required, choices }]) => `  <${name}>${required ? '' : ' optional'}${choices ? ` ${choices.join('|')}` : ''}`,
    ),
    ...Object.entries(optionsOf(command)).map(
      ([name, spec]) =>
        `  ${flagWithValue(name, spec)}${spec.required ? ' required' : ''}${spec.choices ? ` ${spec.choices.join('|')}` : ''}`,
    ),
    ...(exitsOf(command).length === 0 ? [] : [`  exits ${exitsOf(command).join(' ')}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
