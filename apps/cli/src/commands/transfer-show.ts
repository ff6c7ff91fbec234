import { findTransfer } from '../api/find-transfer.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { printTransfer } from '../output/print-transfer.ts';

export const command = defineCommand({
  name: 'transfer show',
  section: 'transfers',
  summary: { en: 'show a transfer', fr: 'montrer un transfert' },
  arguments: {
    id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } },
  },
  examples: ['transfer show payout-42', 'transfer show payout-42 --json | jq -r .state'],
  json: { en: "the API's Transfer", fr: "le Transfer de l'API" },
  exits: [exitCodes.notFound],
  async run({ arguments: { id }, cli }) {
    const { api } = await cli.connect();
    const transfer = await findTransfer(api, id, cli.signal);
    if (cli.format === 'json') await cli.io.write(`${JSON.stringify(transfer, null, 2)}\n`);
    else await printTransfer(cli.io, transfer);
    return exitCodes.done;
  },
});
