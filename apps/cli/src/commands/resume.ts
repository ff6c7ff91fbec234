import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { defineCommand, yesOption } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';
import { scopeOf } from '../output/print-pauses.ts';
import { printJson } from '../output/print-result.ts';

export const command = defineCommand({
  name: 'resume',
  section: 'control',
  summary: { en: 'end a pause and wake what it held', fr: 'lever une suspension et réveiller ce qu’elle retenait' },
  arguments: { pause: { required: true, summary: { en: 'its id (kpay pauses)', fr: 'son id (kpay pauses)' } } },
  options: { yes: yesOption },
  json: { en: "the API's Pause", fr: "le Pause de l'API" },
  exits: [exitCodes.declined, exitCodes.refused, exitCodes.unknown, exitCodes.notFound],
  async run({ arguments: { pause: id }, options: { yes }, cli }) {
    const { io, signal } = cli;
    const connection = await cli.connect();
    const { items } = (await connection.api.listPauses({ signal })).data;
    const found = items.find((each) => each.id === id);
    if (!found) {
      throw new Failure(exitCodes.notFound, {
        en: 'there is no pause with this id in force (kpay pauses)',
        fr: "aucune suspension en vigueur n'a cet id (kpay pauses)",
      });
    }
    const environment = await announce(cli, connection, found.account);
    const what = scopeOf(io, found);
    await confirm(cli, environment, yes, {
      en: `Let ${what} be sent again (${found.reason})?`,
      fr: `Laisser repartir ${what} (${found.reason}) ?`,
    });
    const { data } = await connection.api.endPause({ id: found.id, signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : failureOf(error, { writes: true });
    });
    if (cli.format === 'json') await printJson(cli, data);
    io.tell(io.text({ en: `${what} may be sent again.`, fr: `${what} peut repartir.` }));
    return exitCodes.done;
  },
});
