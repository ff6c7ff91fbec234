import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Text } from './language.ts';

/** Ends the command with a code and a sentence that a person can act on. No secret stands in it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: ExitCode;
  readonly text: Text;

  constructor(code: ExitCode, text: Text, options?: ErrorOptions) {
    super(text.en, options);
    this.code = code;
    this.text = text;
  }
}

/** The command line itself is wrong; nothing was done. */
export function usage(text: Text): Failure {
  return new Failure(exitCodes.usage, text);
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
