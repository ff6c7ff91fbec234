import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure, Interrupted } from '../framework/failure.ts';

/**
 * Puts a question to the person at the terminal, on standard error, and reads one line.
 *
 * @param secret what is typed is not shown.
 * @throws Interrupted on Ctrl-C; Failure (3) when the input ends without an answer.
 */
export function ask(question: string, { secret = false, signal }: { secret?: boolean; signal: AbortSignal }): Promise<string> {
  signal.throwIfAborted();
  let muted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  lines.on('SIGINT', () => reject(new Interrupted()));
  lines.on('close', () => reject(new Failure(exitCodes.declined, { en: 'no answer was given', fr: 'aucune réponse' })));
  lines.question(question, resolve);
  muted = secret;
  return promise.finally(() => {
    muted = false;
    lines.removeAllListeners('close');
    lines.close();
    if (secret) process.stderr.write('\n');
  });
}
