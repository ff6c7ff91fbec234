import type { TransferEvent } from '@kpay/admin-client';
import { findTransfer } from '../api/find-transfer.ts';
import { exitOf, follow, readDuration } from '../api/follow.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { showTime } from '../output/format.ts';
import { clean } from '../output/table.ts';
import { stateWords } from '../output/transfer-words.ts';

export const command = defineCommand({
  name: 'transfer watch',
  section: 'transfers',
  summary: {
    en: 'follow a transfer until it has ended or needs a person',
    fr: "suivre un transfert jusqu'à sa fin ou qu'il faille quelqu'un",
  },
  arguments: { id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } } },
  options: {
    timeout: {
      type: 'text',
      value: 'time',
      summary: { en: 'stop after this time, such as 5min', fr: 'arrêter après cette durée, comme 5min' },
    },
  },
  examples: ['transfer watch payout-42', 'transfer watch payout-42 --json | jq -r .to'],
  json: { en: "the API's TransferEvent, one a line", fr: "le TransferEvent de l'API, un par ligne" },
  exits: [exitCodes.refused, exitCodes.waiting, exitCodes.unknown, exitCodes.notFound],
  async run({ arguments: { id }, options: { timeout }, cli }) {
    const { io, signal, format } = cli;
    const withinMs = timeout === undefined ? Number.POSITIVE_INFINITY : readDuration(timeout, '--timeout');
    const connection = await cli.connect();
    const transfer = await findTransfer(connection.api, id, signal);
    let seen = 0;
    const tellEvents = async () => {
      const { items } = (await connection.api.listTransferEvents({ id: transfer.id, signal })).data;
      const fresh = items.filter(({ version }) => version > seen);
      seen = fresh.at(-1)?.version ?? seen;
      io.progress('');
      for (const event of fresh) {
        if (format === 'json') await io.write(`${JSON.stringify(event)}\n`);
        else await io.print(lineOf(event, io.text(stateWords[event.to])));
      }
    };
    await tellEvents();
    const last = await follow(cli, connection, transfer, { withinMs, onChange: tellEvents });
    // Its reader has gone, which says nothing about the transfer.
    return io.closed.aborted ? exitCodes.done : exitOf(last);
  },
});

function lineOf({ at, type, reason, actor }: TransferEvent, state: string): string {
  return `${showTime(at)}  ${state}  ${type} (${clean(actor)})${reason === null ? '' : `: ${clean(reason)}`}`;
}
