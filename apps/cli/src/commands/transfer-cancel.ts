import { announce } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { findTransfer } from '../api/find-transfer.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { printOne } from '../output/print-result.ts';

export const command = defineCommand({
  name: 'transfer cancel',
  section: 'transfers',
  money: true,
  summary: { en: 'stop a transfer that was not sent yet', fr: "arrêter un transfert qui n'est pas encore parti" },
  arguments: { id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } } },
  options: {
    reason: { type: 'text', value: 'text', summary: { en: 'why, for its history', fr: 'pourquoi, pour son histoire' } },
  },
  json: { en: "the API's Transfer", fr: "le Transfer de l'API" },
  exits: [exitCodes.refused, exitCodes.unknown, exitCodes.notFound, exitCodes.changed],
  async run({ arguments: { id }, options: { reason }, cli }) {
    const connection = await cli.connect();
    const { api } = connection;
    const transfer = await findTransfer(api, id, cli.signal);
    await announce(cli, connection, transfer.account);
    try {
      await printOne(cli, (await api.cancelTransfer({ id: transfer.id, body: { reason }, signal: cli.signal })).data);
    } catch (error) {
      throw cli.signal.aborted ? cli.signal.reason : failureOf(error, { money: true });
    }
    return exitCodes.done;
  },
});
