import { styleText } from 'node:util';
import { asciiOf, type Language, localeOf, type Text } from './language.ts';

export type Style = Parameters<typeof styleText>[0];

/** Standard output for data, standard error for everything else, and the terminal for questions. */
export interface Io {
  language: Language;
  /** The text of the language that the environment asks for. */
  text(text: Text): string;
  /** Columns of the terminal that standard output is; undefined for a pipe or a file: nothing is cut there. */
  width: number | undefined;
  /** Writes data. Resolves when it is handed over; once that is not possible any more, it does nothing. */
  write(data: string): Promise<void>;
  /** A line of data, for people: with styles where standard output is a terminal. */
  print(line: string): Promise<void>;
  /** A line on standard error. */
  tell(line: string): void;
  /** A line on standard error that the next one takes the place of; nothing without a terminal. An empty one removes it. */
  progress(line: string): void;
  style(style: Style, text: string): string;
  /** The same for standard error. */
  styleError(style: Style, text: string): string;
  /** A person can be asked: standard input and standard error are terminals. */
  canAsk: boolean;
  /** Aborted when nothing can be written to standard output any more: its reader has gone, as `head` does, or its disk is full. */
  closed: AbortSignal;
  /** Why standard output could not be written, such as ENOSPC; undefined when it could, and when its reader has gone. */
  readonly failed: string | undefined;
}

/** A terminal that takes no commands to move or colour. */
function isDumb(env: NodeJS.ProcessEnv): boolean {
  return env.TERM === 'dumb';
}

/** The streams of a process. Each is opened when it is first used, which takes milliseconds. */
export type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>;

export function openIo(env: NodeJS.ProcessEnv, streams: Streams): Io {
  const { stdout } = streams;
  const { language, unicode } = localeOf(env);
  const closing = new AbortController();
  let failed: string | undefined;
  const fail = ({ code = 'error' }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') failed ??= code;
    closing.abort();
  };
  stdout.on('error', fail);
  let opened: NodeJS.WriteStream | undefined;
  const openStderr = (): NodeJS.WriteStream => {
    // Nobody is left who could be told.
    if (opened) return opened;
    opened = streams.stderr;
    return opened.on('error', () => {});
  };
  const shown = (text: string) => (unicode ? text : asciiOf(text));
  const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
  const styleFor = (stream: () => NodeJS.WriteStream) => (style: Style, text: string) =>
    stream().isTTY === true && !plain && !isDumb(env) ? styleText(style, text, { validateStream: false }) : text;
  const write = (data: string) =>
    new Promise<void>((resolve) => {
      if (closing.signal.aborted) return resolve();
      try {
        // What goes wrong is told to the listener of errors too.
        stdout.write(data, () => resolve());
      } catch (error) {
        fail(error as NodeJS.ErrnoException);
        resolve();
      }
    });
  let hasProgress = false;
  const eraseProgress = () => {
    if (hasProgress) openStderr().write('\r\x1b[2K');
    hasProgress = false;
  };
  return {
    language,
    text: (text) => text[language],
    width: stdout.isTTY === true ? stdout.columns || 80 : undefined,
    write,
    print: (line) => write(`${shown(line)}\n`),
    tell(line) {
      eraseProgress();
      openStderr().write(`${shown(line)}\n`);
    },
    progress(line) {
      if (line === '') return eraseProgress();
      const stderr = openStderr();
      if (stderr.isTTY !== true || isDumb(env)) return;
      eraseProgress();
      stderr.write(shown(line).slice(0, Math.max(1, (stderr.columns || 80) - 1)));
      hasProgress = true;
    },
    style: styleFor(() => stdout),
    styleError: styleFor(openStderr),
    get canAsk() {
      return streams.stdin.isTTY === true && openStderr().isTTY === true;
    },
    closed: closing.signal,
    get failed() {
      return failed;
    },
  };
}
