import { ProblemError } from '@kpay/admin-client';
import type { Cli, Connection } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure, usage } from '../framework/failure.ts';
import type { Text } from '../framework/language.ts';
import { failureOf } from './failure-of.ts';

/** `unknown` when the key may not read accounts; it is treated as PRODUCTION. */
export type Environment = 'TEST' | 'PRODUCTION' | 'unknown';

/**
 * Says on standard error on which profile, environment and account a command is about to act.
 *
 * @param account null for what acts on all accounts: PRODUCTION when one of them is.
 */
export async function announce(cli: Cli, { api, url, profile }: Connection, account: string | null): Promise<Environment> {
  const { io, signal } = cli;
  const environment = await api.listAccounts({ signal }).then(
    ({ data: { items } }): Environment => {
      const own = items.filter(({ name }) => account === null || name === account);
      if (own.length === 0) return 'unknown';
      return own.some((each) => each.environment === 'PRODUCTION') ? 'PRODUCTION' : 'TEST';
    },
    (error: unknown): Environment => {
      if (error instanceof ProblemError && error.problem.code === 'forbidden') return 'unknown';
      throw failureOf(error);
    },
  );
  const who =
    profile === null
      ? io.text({ en: 'no profile', fr: 'sans profil' })
      : io.text({ en: `profile ${profile}`, fr: `profil ${profile}` });
  const what =
    account === null
      ? io.text({ en: 'all accounts', fr: 'tous les comptes' })
      : io.text({ en: `account ${account}`, fr: `compte ${account}` });
  const where = environment === 'unknown' ? io.text({ en: 'unknown environment', fr: 'environnement inconnu' }) : environment;
  const shown = environment === 'TEST' ? where : io.styleError(['bold', 'red'], where);
  io.tell([who, shown, what, url].join(' · '));
  return environment;
}

/**
 * Asks before something is done in PRODUCTION. In TEST nothing real can happen, so nobody is asked.
 *
 * @param question what will be done, as a sentence with a question mark.
 * @throws Failure (3) when the answer is no; (2) when there is no terminal and no `--yes`.
 */
export async function confirm({ io, signal }: Cli, environment: Environment, yes: boolean, question: Text): Promise<void> {
  if (environment === 'TEST' || yes) return;
  if (!io.canAsk) {
    throw usage({
      en: 'without a terminal nothing is done in PRODUCTION unless --yes is given',
      fr: "sans terminal, rien n'est fait en PRODUCTION sans --yes",
    });
  }
  const { ask } = await import('../output/ask.ts');
  const answer = (await ask(`${io.text(question)} [${io.language === 'fr' ? 'o/N' : 'y/N'}] `, { signal })).trim();
  if (/^(y|yes|o|oui)$/i.test(answer)) return;
  throw new Failure(exitCodes.declined, { en: 'declined; nothing was done', fr: "refusé ; rien n'a été fait" });
}
