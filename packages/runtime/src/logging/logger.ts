import { type Bindings, type DestinationStream, type Level, type Logger, pino } from 'pino';
import { currentTrace } from './current-trace.ts';
import { createRedact } from './redact.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Which process or part of one speaks. */
  name: string;
  level?: Level | 'silent';
  /** Standard error unless given: standard output belongs to what a command prints. */
  destination?: DestinationStream;
  /**
   * The secrets this process knows, to be hidden wherever they turn up. Their shape alone need not give them away. What is
   * added to a set later is hidden from then on.
   */
  secrets?: readonly string[] | ReadonlySet<string>;
}

/** A JSON logger from whose lines keys, tokens and phone numbers are removed, whichever way they got there. */
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
  // pino asks no formatter about what a child is bound to; its children inherit this method.
  const child = logger.child;
  logger.child = function redactedChild(this: Logger, bindings: Bindings, ...options: []) {
    return child.call(this, redact(bindings) as Bindings, ...options);
  } as typeof child;
  return logger;
}
