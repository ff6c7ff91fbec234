import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { pauseColumns } from '../output/print-pauses.ts';
import { printRows } from '../output/print-rows.ts';

export const command = defineCommand({
  name: 'pauses',
  section: 'control',
  summary: { en: 'list the pauses in force', fr: 'lister les suspensions en vigueur' },
  json: { en: '{"items": [Pause], "nextCursor": null}', fr: '{"items": [Pause], "nextCursor": null}' },
  csv: true,
  async run({ cli }) {
    const { api } = await cli.connect();
    const { data } = await api.listPauses({ signal: cli.signal });
    const fields = ['id', 'scope', 'account', 'corridor', 'reason', 'createdBy', 'createdAt', 'until'] as const;
    await printRows(cli, { answer: data, rows: data.items, columns: pauseColumns(cli.io), fields });
    return exitCodes.done;
  },
});
