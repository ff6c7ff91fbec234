import { randomUUID } from 'node:crypto';
import type { Transfer } from '@kpay/admin-client';
import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { findTransfer } from '../api/find-transfer.ts';
import { exitOf, follow, readDuration, USUAL_WAIT } from '../api/follow.ts';
import { defineCommand, waitOptions, yesOption } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { amountInWords } from '../output/amount-words.ts';
import { printOne } from '../output/print-result.ts';

export const command = defineCommand({
  name: 'transfer replay',
  section: 'transfers',
  money: true,
  summary: {
    en: 'make a transfer again that ended without moving money',
    fr: "refaire un transfert terminé sans que l'argent bouge",
  },
  arguments: { id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } } },
  options: {
    externalId: { type: 'text', value: 'id', summary: { en: 'your id of the new one', fr: 'votre id du nouveau' } },
    ...waitOptions,
    yes: yesOption,
  },
  json: { en: "the API's Transfer: the new one", fr: "le Transfer de l'API : le nouveau" },
  exits: [exitCodes.declined, exitCodes.refused, exitCodes.waiting, exitCodes.unknown, exitCodes.notFound],
  async run({ arguments: { id }, options, cli }) {
    const { io, signal } = cli;
    const withinMs = readDuration(options.timeout ?? USUAL_WAIT, '--timeout');
    const externalId = options.externalId ?? `cli-${randomUUID()}`;
    const connection = await cli.connect();
    const before = await findTransfer(connection.api, id, signal);
    const environment = await announce(cli, connection, before.account);
    await confirm(cli, environment, options.yes, {
      en: `Make it again: ${amountInWords(before.amount, before.currency, 'en')}, ${before.sourceCountry} to ${before.destinationCountry}?`,
      fr: `Le refaire : ${amountInWords(before.amount, before.currency, 'fr')}, ${before.sourceCountry} → ${before.destinationCountry} ?`,
    });
    if (options.externalId === undefined)
      io.tell(io.text({ en: `external id: ${externalId}`, fr: `id externe : ${externalId}` }));
    let made: Transfer;
    try {
      made = (await connection.api.replayTransfer({ id: before.id, body: { externalId }, signal })).data;
    } catch (error) {
      throw signal.aborted ? signal.reason : failureOf(error, { money: true, again: `--external-id ${externalId}` });
    }
    const last = options.wait ? await follow(cli, connection, made, { withinMs }) : made;
    await printOne(cli, last);
    return options.wait ? exitOf(last) : exitCodes.done;
  },
});
