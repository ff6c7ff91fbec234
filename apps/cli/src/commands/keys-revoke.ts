import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { defineCommand, yesOption } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { printJson } from '../output/print-result.ts';

export const command = defineCommand({
  name: 'keys revoke',
  section: 'control',
  summary: {
    en: 'end a key for good, with all keys that came of it',
    fr: 'mettre fin à une clé, et à toutes celles qui en viennent',
  },
  arguments: { key: { required: true, summary: { en: 'its id (kpay keys)', fr: 'son id (kpay keys)' } } },
  options: { yes: yesOption },
  json: { en: "the API's RevokedApiKey", fr: "le RevokedApiKey de l'API" },
  exits: [exitCodes.declined, exitCodes.unknown, exitCodes.notFound],
  async run({ arguments: { key: id }, options: { yes }, cli }) {
    const { io, signal } = cli;
    const connection = await cli.connect();
    const environment = await announce(cli, connection, null);
    const shown = id.slice(0, 40);
    await confirm(cli, environment, yes, { en: `End the key ${shown} for good?`, fr: `Mettre fin à la clé ${shown} ?` });
    const { data } = await connection.api.revokeApiKey({ id, signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : failureOf(error, { writes: true });
    });
    if (cli.format === 'json') await printJson(cli, data);
    const also = data.alsoRevoked.length === 0 ? '' : ` (${data.alsoRevoked.join(', ')})`;
    io.tell(io.text({ en: `Key ${data.id} has ended${also}.`, fr: `La clé ${data.id} est finie${also}.` }));
    return exitCodes.done;
  },
});
