import { parseArgs } from 'node:util';
import { type ArgumentSpecs, type Command, flagOf, type OptionSpecs, optionsOf } from './command.ts';
import { usage } from './failure.ts';

export interface Parsed {
  arguments: Record<string, string | undefined>;
  options: Record<string, string | boolean | readonly string[] | undefined>;
}

/** What people try first, and what would put a key where every process of the machine can read it. */
const KEY_FLAGS: ReadonlySet<string> = new Set(['key', 'token', 'api-key', 'password', 'secret']);

/**
 * Reads the words after a command's name by its description.
 *
 * @throws Failure (2) naming the word and what is right. No value is repeated: it could be a key.
 */
export function parseArguments(command: Command, words: readonly string[]): Parsed {
  const specs = optionsOf(command);
  const byFlag = new Map(Object.entries(specs).map(([name, spec]) => [flagOf(name).slice(2), { name, spec }]));
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      ...Object.fromEntries(
        [...byFlag].map(([flag, { spec }]) => [
          flag,
          { type: spec.type === 'flag' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
      help: { type: 'boolean', short: 'h' },
    },
  });
  const options: Parsed['options'] = emptyOptions(specs);
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      positionals.push(token.value);
      continue;
    }
    const known = byFlag.get(token.name);
    if (!known || !(token.rawName.startsWith('--') || token.rawName === '-h')) throw unknownOption(command, token.rawName, specs);
    options[known.name] = optionValue(known, token.value, options[known.name]);
  }
  const values = positionalValues(command, positionals);
  if (options.help !== true) requireAll(specs, options);
  return { arguments: values, options };
}

function emptyOptions(specs: OptionSpecs): Parsed['options'] {
  const empty = { flag: false, list: [], text: undefined };
  return Object.fromEntries(Object.entries(specs).map(([name, { type }]) => [name, empty[type]]));
}

function optionValue(
  { name, spec }: { name: string; spec: OptionSpecs[string] },
  value: string | undefined,
  before: Parsed['options'][string],
): Parsed['options'][string] {
  const flag = flagOf(name);
  if (spec.type === 'flag') {
    if (value !== undefined) throw usage({ en: `${flag} takes no value`, fr: `${flag} ne prend pas de valeur` });
    return true;
  }
  if (value === undefined || value === '') throw usage({ en: `${flag} needs a value`, fr: `${flag} demande une valeur` });
  requireChoice(flag, value, spec.choices);
  if (spec.type === 'list') return [...(before as readonly string[]), value];
  if (before !== undefined) throw usage({ en: `${flag} is given twice`, fr: `${flag} est donné deux fois` });
  return value;
}

function requireChoice(what: string, value: string, choices: readonly string[] | undefined): void {
  if (!choices || choices.includes(value)) return;
  const list = choices.join(', ');
  throw usage({ en: `${what} must be one of ${list}`, fr: `${what} doit être parmi ${list}` });
}

function positionalValues({ name, arguments: specs = {} }: Command, given: readonly string[]): Parsed['arguments'] {
  const names = Object.keys(specs);
  if (given.length > names.length) {
    const digits = given.slice(names.length).every((word) => /^[\d.,]+$/.test(word));
    const hint = digits
      ? { en: ': put an amount with spaces in quotes', fr: ' : mettez un montant avec des espaces entre guillemets' }
      : { en: '', fr: '' };
    throw usage({
      en: `kpay ${name} takes ${names.length === 0 ? 'no' : names.length} argument${names.length === 1 ? '' : 's'}${hint.en}`,
      fr: `kpay ${name} prend ${names.length === 0 ? 'aucun' : names.length} argument${names.length > 1 ? 's' : ''}${hint.fr}`,
    });
  }
  const values = Object.fromEntries(names.map((each, index) => [each, given[index]]));
  for (const [each, value] of Object.entries(values)) {
    if (value !== undefined) requireChoice(`<${each}>`, value, specs[each]?.choices);
  }
  return values;
}

function requireAll(specs: OptionSpecs, options: Parsed['options']): void {
  for (const [name, { required }] of Object.entries(specs)) {
    if (required && options[name] === undefined) {
      throw usage({ en: `${flagOf(name)} is required`, fr: `${flagOf(name)} est obligatoire` });
    }
  }
  if (options.json === true && options.csv === true) {
    throw usage({ en: 'choose --json or --csv, not both', fr: 'choisissez --json ou --csv, pas les deux' });
  }
}

/** After the options, so that `--help` needs no argument. @throws Failure (2) */
export function requireArguments({ arguments: specs = {} }: { arguments?: ArgumentSpecs }, values: Parsed['arguments']): void {
  for (const [name, { required }] of Object.entries(specs)) {
    if (required && values[name] === undefined) throw usage({ en: `<${name}> is missing`, fr: `<${name}> manque` });
  }
}

function unknownOption(command: Command, rawName: string, specs: OptionSpecs) {
  if (KEY_FLAGS.has(rawName.replace(/^-+/, ''))) {
    return usage({
      en: 'a key never goes on the command line, where every process can read it: use kpay login, KPAY_TOKEN or --key-file',
      fr: 'une clé ne va jamais sur la ligne de commande, où tout processus peut la lire : kpay login, KPAY_TOKEN ou --key-file',
    });
  }
  const flag = rawName.slice(0, 40);
  const near = nearest(flag, Object.keys(specs).map(flagOf));
  return usage({
    en: `kpay ${command.name} has no option ${flag}${near === undefined ? '' : `; did you mean ${near}?`}`,
    fr: `kpay ${command.name} n'a pas d'option ${flag}${near === undefined ? '' : ` ; vouliez-vous dire ${near} ?`}`,
  });
}

/** The word that differs in at most two letters, or that begins so; undefined when none does. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const begins = words.find((each) => word.length > 3 && each.startsWith(word));
  if (begins !== undefined) return begins;
  const distances = words.map((each) => ({ each, distance: distanceOf(word, each) })).toSorted((a, b) => a.distance - b.distance);
  const [first] = distances;
  return first && first.distance <= 2 ? first.each : undefined;
}

/** How many letters must be added, taken away or changed. */
function distanceOf(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(changed, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
