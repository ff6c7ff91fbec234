import type { ExitCode } from '../framework/exit-codes.ts';

/** What each exit code means, for the man page and docs/cli.md. */
export const exitCodeWords: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed, nothing moved',
  2: 'the command line is wrong; nothing was done',
  3: 'declined at a prompt; nothing was done',
  4: 'the key is missing or refused',
  5: 'refused by a rule, a limit or a check',
  6: 'accepted and waiting (approval, hold) when asked to wait',
  7: 'the outcome is unknown: never repeat it under another id',
  8: 'partly done (a batch)',
  9: 'not found',
  10: 'the API is not reachable; nothing was sent',
  11: 'changed meanwhile; nothing was done',
  130: 'interrupted by Ctrl-C',
};
