import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { machineEnv } from '@kpay/testkit';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** A command that neither ends nor asks within this time hangs. */
const TIMEOUT_MS = 60_000;
const QUESTION = /(\[[yo]\/N\] |\]: |\] : |[Kk]ey.*: |[Cc]lé.*: )$/;

export interface Surroundings {
  env: Record<string, string>;
  /** Columns of a terminal that all streams are; pipes without. */
  columns?: number;
  /** The reader of standard output goes before a word is written. */
  closedStdout?: true;
  /** What is typed at the first question; `\x03` is Ctrl-C. */
  typed?: string;
}

export interface Ended {
  /** Null when it was ended because it hung. */
  code: number | null;
  /** Of a terminal, both streams. */
  stdout: string;
  stderr: string;
  /** Whether it asked something. */
  asked: boolean;
}

/** Runs `kpay <words>` with these variables and no others; at a pseudo-terminal by `script`, which each Debian and Ubuntu has. */
export async function runKpayIn(words: readonly string[], { env, columns, closedStdout, typed }: Surroundings): Promise<Ended> {
  const command = [process.execPath, '--conditions=@kpay/source', MAIN, ...words];
  const [file = '', ...rest] =
    columns === undefined
      ? command
      : ['script', '-qec', `stty cols ${columns}; exec ${command.map(quote).join(' ')}`, '/dev/null'];
  const { HOME: _, ...machine } = machineEnv();
  const child = spawn(file, rest, {
    env: { ...machine, ...env },
    stdio: [columns === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  if (closedStdout) child.stdout?.destroy();
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const texts = { stdout: '', stderr: '' };
  let asked = false;
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    texts.stderr += chunk;
  });
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    texts.stdout += chunk;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor is no part of the question.
    if (asked || !QUESTION.test(texts.stdout.replaceAll(/\x1b\[[\d;?]*[A-Za-z]/g, ''))) return;
    asked = true;
    child.stdin?.write(typed ?? '\x03');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, ...texts, asked };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
