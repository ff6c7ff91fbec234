import { userInfo } from 'node:os';
import { LedgerBehind, LedgerUnusable } from '@kpay/ledger';
import { textSchema } from '@kpay/producer';
import { StartError } from '@kpay/runtime';
import { type ReviewResolution, reviewResolutions } from '@kpay/transfers/operations';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { migrate } from './migrate.ts';
import { withMaintenance } from './open-maintenance.ts';

interface SettleOptions {
  as: ReviewResolution;
  reason: string;
  reasonCode: string;
  account?: string;
  acceptedFrom?: Date;
  acceptedBefore?: Date;
}

/** `kpay restore …`, `kpay rebuild-queue` and `kpay migrate`. */
export function addMaintenanceCommands(program: Command, env: NodeJS.ProcessEnv, print: (line: string) => void): void {
  const by = `cli:${userInfo().username}`;
  const restore = program.command('restore').description('after the ledger was restored from a backup (docs/runbook.md)');
  restore
    .command('finish')
    .description('move every unfinished transfer to review, and let the workers send again')
    .option('--unseen', 'the ledger was restored, although kpay could not notice it')
    .action(({ unseen = false }: { unseen?: boolean }) =>
      known(async () => {
        const finished = await withMaintenance(env, (maintenance) => maintenance.finishRestore({ by, unseen }));
        if (finished.outcome === 'not_restored') {
          throw new StartError(
            'nothing says that this ledger was restored, so nothing was changed; if it was all the same, add --unseen',
          );
        }
        print(`The restore is finished: ${finished.moved} unfinished transfers are in review (restored), and sending goes on.`);
        if (finished.moved > 0) print('Settle them with kpay restore settle, or one by one over the API.');
      }),
    );
  restore
    .command('settle')
    .description('settle many transfers in review by what you found out')
    .addOption(new Option('--as <verdict>', 'what you found').choices(verdictNames).makeOptionMandatory().argParser(verdictOf))
    .requiredOption('--reason <text>', 'how it is known; kept with each transfer', reasonOf)
    .option('--reason-code <code>', 'why they are in review', 'restored')
    .option('--account <name>', 'only those of this account')
    .option('--accepted-from <time>', 'only those accepted at this ISO 8601 time or later', timeOf)
    .option('--accepted-before <time>', 'only those accepted before this ISO 8601 time', timeOf)
    .action(({ as: verdict, reason, ...filter }: SettleOptions) =>
      known(async () => {
        const { resolved, left } = await withMaintenance(env, (maintenance) =>
          maintenance.settle(filter, { by, verdict, reason }),
        );
        print(`${resolved} settled as ${nameOf(verdict)}.`);
        if (left > 0) print(`${left} left in review: ${nameOf(verdict)} cannot be said of them.`);
      }),
    );
  program
    .command('rebuild-queue')
    .description('remove the advance jobs and make them again from the ledger')
    .action(() =>
      known(async () => {
        for (const { account, thrownAway, made } of await withMaintenance(env, (maintenance) => maintenance.rebuildQueue())) {
          print(`${account}: ${thrownAway} advance jobs removed, ${made} made`);
        }
      }),
    );
  program
    .command('migrate')
    .description("bring the ledger's schema up to date, in production: with DATABASE_URL of the role that owns it")
    .option('--grant <role>', 'give this role what the apps need and no more; the apps then use it')
    .action(({ grant }: { grant?: string }) =>
      known(async () => {
        const done = await migrate(env, grant);
        print(done.length === 0 ? 'The schema was up to date.' : `The schema is up to date: ${done.join(', ')} done.`);
        if (grant !== undefined) print(`${grant} has the working rights.`);
      }),
    );
}

const nameOf = (verdict: ReviewResolution): string => verdict.replace('_', '-');
const verdictNames = reviewResolutions.map(nameOf);

function verdictOf(name: string): ReviewResolution {
  const verdict = reviewResolutions.find((each) => nameOf(each) === name);
  if (!verdict) throw new InvalidArgumentError(`It must be one of ${verdictNames.join(', ')}.`);
  return verdict;
}

function reasonOf(text: string): string {
  const parsed = textSchema(500).safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`);
  return parsed.data;
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It must be an ISO 8601 time, such as 2026-11-24T08:00:00Z.');
  return time;
}

/** Errors of other packages that are as clear as a StartError. */
async function known(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw error instanceof LedgerUnusable || error instanceof LedgerBehind
      ? new StartError(error.message, { cause: error })
      : error;
  }
}
