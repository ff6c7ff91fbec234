import { type Bindings, type DestinationStream, type Level, type Logger, pino } from 'pino';
import { currentTrace } from './current-trace.ts';
import { createRedact } from './redact.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** The name of the process, or of a part of it. */
  name: string;
  level?: Level | 'silent';
  /** Standard error by default. Standard output is for what a command prints. */
  destination?: DestinationStream;
  /**
   * The secrets that this process knows. They are hidden wherever they occur, because their shape alone may not reveal
   * them. A secret added to the set later is hidden from then on.
   */
  secrets?: readonly string[] | ReadonlySet<string>;
}

/** Makes a JSON logger whose lines never contain keys, tokens and phone numbers, however they got there. */
export function createLogger({ name, level = 'info', destination, secrets = [] }: LoggerOptions): Logger {
  const redact = createRedact(secrets);
  const logger = pino(
    {
      level,
      base: { name },
      mixin: () => ({ ...currentTrace() }),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => error },
      hooks: {
        logMethod(args, log) {
          const [first, ...rest] = args as unknown[];
          const fields = first instanceof Error ? { err: first } : first;
          log.apply(this, [fields, ...rest].map(redact) as Parameters<typeof log>);
        },
      },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
  // pino calls no formatter for the bindings of a child. Children inherit this method.
  const child = logger.child;
  logger.child = function redactedChild(this: Logger, bindings: Bindings, ...options: []) {
    return child.call(this, redact(bindings) as Bindings, ...options);
  } as typeof child;
  return logger;
}
