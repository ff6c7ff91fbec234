/**
 * The process cannot start with its present settings. The message is one line that says what to do. `main.ts` prints it
 * without a stack and exits with a code other than 0.
 */
export class StartError extends Error {
  override name = 'StartError';
  /** The command that fixes it, if there is one, for `kpay doctor`. */
  readonly fix: string | undefined;

  constructor(message: string, { fix, ...options }: ErrorOptions & { fix?: string } = {}) {
    super(message, options);
    this.fix = fix;
  }
}

/** The message of any thrown value, to end a one-line error. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
