import { announce } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { readMoment } from '../api/follow.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { pauseColumns } from '../output/print-pauses.ts';
import { printJson } from '../output/print-result.ts';
import { printTable } from '../output/table.ts';

export const command = defineCommand({
  name: 'pause',
  section: 'control',
  summary: {
    en: 'stop the sends of everything, an account or a corridor',
    fr: "arrêter les envois de tout, d'un compte ou d'un corridor",
  },
  description: { en: 'It asks nothing: stopping is always safe.', fr: "Rien n'est demandé : arrêter est toujours sûr." },
  options: {
    all: { type: 'flag', summary: { en: 'everything', fr: 'tout' } },
    account: { type: 'text', value: 'name', summary: { en: 'this account', fr: 'ce compte' } },
    corridor: { type: 'text', value: 'CMR-GAB', summary: { en: 'this corridor of the account', fr: 'ce corridor du compte' } },
    reason: { type: 'text', required: true, value: 'text', summary: { en: 'why', fr: 'pourquoi' } },
    until: {
      type: 'text',
      value: 'time',
      summary: {
        en: 'when it ends by itself: 2h from now, or an ISO 8601 time',
        fr: "quand elle finit d'elle-même : 2h, ou une heure ISO 8601",
      },
    },
  },
  examples: [
    'pause --all --reason "looking into a doubled payment"',
    'pause --corridor CMR-GAB --until 2h --reason "operator closed"',
  ],
  json: { en: "the API's Pause", fr: "le Pause de l'API" },
  exits: [exitCodes.refused, exitCodes.unknown, exitCodes.notFound],
  async run({ options: { all, account, corridor, reason, until }, cli }) {
    const { signal } = cli;
    if (all ? account !== undefined || corridor !== undefined : account === undefined && corridor === undefined) {
      throw usage({
        en: 'say what to stop: --all, or --account and --corridor',
        fr: 'dites quoi arrêter : --all, ou --account et --corridor',
      });
    }
    const ends = until === undefined ? undefined : readMoment(until, '--until');
    const { ...common } = { reason, until: ends };
    const name = account ?? 'default';
    const connection = await cli.connect();
    await announce(cli, connection, all ? null : name);
    const body = all
      ? { scope: 'all' as const, ...common }
      : corridor === undefined
        ? { scope: 'account' as const, account: name, ...common }
        : { scope: 'corridor' as const, account: name, corridor, ...common };
    const { data } = await connection.api.createPause({ body, signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : failureOf(error, { writes: true });
    });
    if (cli.format === 'json') await printJson(cli, data);
    else await printTable(cli.io, pauseColumns(cli.io), [data]);
    return exitCodes.done;
  },
});
