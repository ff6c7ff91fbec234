import { writeSync } from 'node:fs';
import type { Command, ListedCommand } from './command.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, Interrupted, usage } from './failure.ts';
import { type Io, openIo, type Streams } from './io.ts';
import { version } from './version.ts';

export interface RunOptions {
  /** The words after `kpay`. */
  words: readonly string[];
  commands: readonly ListedCommand[];
  env: NodeJS.ProcessEnv;
  /** Those of the process unless given. */
  streams?: Streams;
  /** Told where a command is that this package does not have. */
  elsewhere?: readonly string[];
}

/** Runs one command line and says what the process ends with. Nothing is thrown but what is a fault of ours. */
export async function run(options: RunOptions): Promise<ExitCode> {
  if (isVersion(options.words)) return tellVersion();
  const io = openIo(options.env, options.streams ?? process);
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Interrupted());
  try {
    return (await runWords(io, options, stop.signal, () => process.on('SIGINT', interrupt))) ?? exitCodes.done;
  } catch (error) {
    return await report(io, error);
  } finally {
    process.off('SIGINT', interrupt);
    io.progress('');
  }
}

function isVersion([first]: readonly string[]): boolean {
  return first === '--version' || first === '-v' || first === 'version';
}

/** Without opening standard output as a stream, which takes longer than all the rest. */
function tellVersion(): ExitCode {
  try {
    writeSync(1, `${version()}\n`);
  } catch {
    // Its reader has gone.
  }
  return exitCodes.done;
}

async function report(io: Io, error: unknown): Promise<ExitCode> {
  if (error instanceof Interrupted) {
    io.tell(io.text({ en: 'interrupted', fr: 'interrompu' }));
    return exitCodes.interrupted;
  }
  const failure = error instanceof Failure ? error : undefined;
  if (!failure) throw error;
  io.tell(`${io.styleError('red', 'kpay:')} ${io.text(failure.text)}`);
  return failure.code;
}

async function runWords(
  io: Io,
  { words, commands, env, elsewhere = [] }: RunOptions,
  signal: AbortSignal,
  catchInterrupt: () => void,
): Promise<ExitCode | undefined> {
  const [first, second] = words;
  const asksHelp = first === undefined || first === '--help' || first === '-h' || first === 'help';
  const rest = first === 'help' ? words.slice(1) : words;
  if (asksHelp && rest.filter((word) => !word.startsWith('-')).length === 0) {
    const { overview } = await import('./help.ts');
    await io.print(overview(io, commands));
    return io.failed === undefined ? undefined : exitCodes.failed;
  }
  const found = findCommand(commands, rest);
  if (!found) return await withoutCommand(io, commands, rest, elsewhere, second === '--help' || first === 'help');
  const { command } = await found.listed.load();
  const { parseArguments, requireArguments } = await import('./parse-arguments.ts');
  const parsed = parseArguments(command, first === 'help' ? ['--help'] : rest.slice(found.words));
  if (parsed.options.help === true) {
    const { commandHelp } = await import('./help.ts');
    await io.print(commandHelp(io, command));
    return withOutput(io, command, undefined);
  }
  requireArguments(command, parsed.arguments);
  // What starts servers stops them by signals of its own.
  if (!command.stores) catchInterrupt();
  return await runCommand(io, command, parsed, { env, commands }, signal);
}

async function runCommand(
  io: Io,
  command: Command,
  { arguments: args, options }: { arguments: Record<string, string | undefined>; options: Record<string, unknown> },
  { env, commands }: Pick<RunOptions, 'env' | 'commands'>,
  signal: AbortSignal,
): Promise<ExitCode | undefined> {
  const { profile, url, keyFile } = options as Record<'profile' | 'url' | 'keyFile', string | undefined>;
  const cli = {
    env,
    io,
    signal,
    commands,
    format: options.json === true ? ('json' as const) : options.csv === true ? ('csv' as const) : ('people' as const),
    connect: async () => (await import('../api/connect.ts')).connect({ env, io, signal, profile, url, keyFile }),
  };
  try {
    return withOutput(io, command, await command.run({ arguments: args, options: options as never, cli }));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Failure || error instanceof Interrupted || command.stores) throw error;
    // The reader has gone, so nobody wants the rest.
    if (io.closed.aborted && error === io.closed.reason) return undefined;
    const { failureOf } = await import('../api/failure-of.ts');
    throw failureOf(error);
  }
}

/** A command that read and could not tell what it read has failed. What became of money decides the code before that. */
function withOutput(io: Io, command: Command, code: ExitCode | undefined): ExitCode | undefined {
  if (io.failed === undefined) return code;
  io.tell(
    io.text({
      en: `standard output cannot be written (${io.failed})`,
      fr: `la sortie standard ne peut être écrite (${io.failed})`,
    }),
  );
  return command.money ? code : exitCodes.failed;
}

function findCommand(commands: readonly ListedCommand[], words: readonly string[]) {
  for (const length of [2, 1]) {
    const listed = commands.find(({ name }) => name === words.slice(0, length).join(' '));
    if (listed && words.length >= length) return { listed, words: length };
  }
  return undefined;
}

async function withoutCommand(
  io: Io,
  commands: readonly ListedCommand[],
  [first = '', second]: readonly string[],
  elsewhere: readonly string[],
  asksHelp: boolean,
): Promise<ExitCode> {
  const isGroup = commands.some(({ name }) => name.startsWith(`${first} `));
  if (isGroup && (second === undefined || asksHelp)) {
    const { groupHelp } = await import('./help.ts');
    const text = groupHelp(io, first, commands);
    if (asksHelp) await io.print(text);
    else io.tell(text);
    return asksHelp ? exitCodes.done : exitCodes.usage;
  }
  if (elsewhere.includes(first)) {
    throw usage({
      en: `kpay ${first} works on the stores: run it in the repository or the image of kpay-ops`,
      fr: `kpay ${first} travaille sur les bases : lancez-la depuis le dépôt ou l'image de kpay-ops`,
    });
  }
  if (first.startsWith('-')) {
    throw usage({ en: 'options come after the command: kpay <command> [options]', fr: 'les options suivent la commande' });
  }
  const { nearest } = await import('./parse-arguments.ts');
  const said = [first, ...(second === undefined || second.startsWith('-') || !isGroup ? [] : [second])].join(' ').slice(0, 40);
  const near = nearest(said, [
    ...commands.map(({ name }) => name),
    ...new Set(commands.map(({ name }) => name.split(' ')[0] ?? '')),
  ]);
  const hint = near === undefined ? 'kpay --help' : `kpay ${near}`;
  throw usage({ en: `there is no command ${said}; try: ${hint}`, fr: `il n'y a pas de commande ${said} ; essayez : ${hint}` });
}
