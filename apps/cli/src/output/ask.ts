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
  const endLine = () => process.stderr.write('\n');
  lines.on('SIGINT', () => {
    if (!secret) endLine();
    reject(new Interrupted());
  });
  const onEnd = () => {
    if (!secret) endLine();
    reject(new Failure(exitCodes.declined, { en: 'no answer was given', fr: 'aucune réponse' }));
  };
  lines.on('close', onEnd);
  lines.question(question, resolve);
  muted = secret;
  return promise.finally(() => {
    muted = false;
    // No other listener: by its own, readline stops to hear keys, and to show them.
    lines.off('close', onEnd);
    lines.close();
    if (secret) endLine();
  });
}
