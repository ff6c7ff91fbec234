/** What the command ends with. docs/cli.md and every command hold to this list. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  declined: 3,
  key: 4,
  refused: 5,
  waiting: 6,
  unknown: 7,
  partly: 8,
  notFound: 9,
  unreachable: 10,
  changed: 11,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
