import type { AdminClient } from '@kpay/admin-client';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import type { Text } from './language.ts';

/** An option, written `--like-this` for the field `likeThis`. */
export interface OptionSpec {
  /** `flag` has no value, `list` may be given more than once. */
  type: 'flag' | 'text' | 'list';
  summary: Text;
  /** What the value is, as it stands in the help: `country`. */
  value?: string;
  choices?: readonly string[];
  required?: true;
  /** Said in the help; the command itself fills it in. */
  usual?: string;
}

export interface ArgumentSpec {
  summary: Text;
  required?: true;
  choices?: readonly string[];
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

type TextOf<Spec> = Spec extends { choices: readonly (infer Choice)[] } ? Choice : string;
type ValueOf<Spec> = Spec extends { type: 'flag' }
  ? boolean
  : Spec extends { type: 'list' }
    ? readonly TextOf<Spec>[]
    : Spec extends { required: true }
      ? TextOf<Spec>
      : TextOf<Spec> | undefined;

export type OptionValues<Specs> = { readonly [Name in keyof Specs]: ValueOf<Specs[Name]> };
export type ArgumentValues<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { required: true } ? TextOf<Specs[Name]> : TextOf<Specs[Name]> | undefined;
};

export const sections = ['transfers', 'figures', 'control', 'setup', 'system'] as const;
export type Section = (typeof sections)[number];

/**
 * A command: its description and what it does. One file each; help, completion, man page and docs/cli.md are made from the
 * description. Export it as `command` from a file in src/commands, and run `npm run kpay:reference`.
 */
export interface Command<Arguments extends ArgumentSpecs = ArgumentSpecs, Options extends OptionSpecs = OptionSpecs> {
  /** The words after `kpay`: `transfer list`. */
  name: string;
  section: Section;
  summary: Text;
  /** More than the summary, where something is not evident. */
  description?: Text;
  arguments?: Arguments;
  options?: Options;
  /** Command lines without `kpay`. */
  examples?: readonly string[];
  /** What `--json` writes, in a sentence; a command without it has no `--json`. */
  json?: Text;
  /** Its rows can be written as CSV too. */
  csv?: true;
  /** It is about a transfer's money: output that cannot be written does not make its exit code a failure. */
  money?: true;
  /** It needs the stores, so it runs in the repository and the image only. */
  stores?: true;
  /** The exit codes that it can end with, besides 0, 1, 2, 4, 10 and 130. */
  exits?: readonly ExitCode[];
  run(call: { arguments: ArgumentValues<Arguments>; options: OptionValues<Options>; cli: Cli }): Promise<ExitCode | undefined>;
}

/** The API that a command acts on, and how it was chosen. */
export interface Connection {
  api: AdminClient;
  url: string;
  /** Null when the address and the key come from the environment or the command line. */
  profile: string | null;
}

/** What every command is given. */
export interface Cli {
  env: NodeJS.ProcessEnv;
  io: Io;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** Whether `--json` or `--csv` was given. */
  format: 'people' | 'json' | 'csv';
  /** Every command that there is here. */
  commands: readonly ListedCommand[];
  /** @throws Failure (4) when there is no key. */
  connect(): Promise<Connection>;
}

/** Lets the types of `run` follow from the description. */
export function defineCommand<const Arguments extends ArgumentSpecs, const Options extends OptionSpecs>(
  command: Command<Arguments, Options>,
): Command {
  // The one place where a command is run, run.ts, parses by the same description that gave these types.
  return command as unknown as Command;
}

/** A command as the list has it: what the help shows, and how to get the rest. */
export interface ListedCommand {
  name: string;
  section: Section;
  summary: Text;
  load(): Promise<{ command: Command }>;
}

/** Options of every command that asks the API. */
export const connectionOptions = {
  profile: {
    type: 'text',
    value: 'name',
    summary: { en: 'the profile to use (kpay profiles)', fr: 'le profil à utiliser (kpay profiles)' },
  },
  url: { type: 'text', value: 'url', summary: { en: "the API's address", fr: "l'adresse de l'API" } },
  keyFile: {
    type: 'text',
    value: 'file',
    summary: {
      en: 'read the key from this file; - is standard input',
      fr: "lire la clé dans ce fichier ; - est l'entrée standard",
    },
  },
} as const satisfies OptionSpecs;

export const jsonOption = {
  type: 'flag',
  summary: { en: 'write JSON', fr: 'écrire du JSON' },
} as const satisfies OptionSpec;

export const csvOption = { type: 'flag', summary: { en: 'write CSV', fr: 'écrire du CSV' } } as const satisfies OptionSpec;

export const helpOption = {
  type: 'flag',
  summary: { en: 'show this help', fr: 'montrer cette aide' },
} as const satisfies OptionSpec;

export const yesOption = {
  type: 'flag',
  summary: { en: 'do not ask before acting on PRODUCTION', fr: 'ne rien demander avant d’agir en PRODUCTION' },
} as const satisfies OptionSpec;

/** Options of commands that can wait for a transfer to end. */
export const waitOptions = {
  wait: { type: 'flag', summary: { en: 'wait until it has ended', fr: "attendre qu'il soit terminé" } },
  timeout: {
    type: 'text',
    value: 'time',
    usual: '60s',
    summary: { en: 'how long to wait at most, such as 5min', fr: 'attendre au plus, comme 5min' },
  },
} as const satisfies OptionSpecs;

/** All options of a command, with those that it shares with others. */
export function optionsOf(command: Command): OptionSpecs {
  return {
    ...command.options,
    ...(command.json && { json: jsonOption }),
    ...(command.csv && { csv: csvOption }),
    ...(command.stores || command.section === 'setup' ? {} : connectionOptions),
    help: helpOption,
  };
}

/** `externalId` as it is written: `--external-id`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
