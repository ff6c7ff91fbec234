import type { Pause, RequestOf, SystemStatus } from '@kpay/admin-client';
import { type Cli, defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import type { Io } from '../framework/io.ts';
import { showDuration } from '../output/format.ts';
import { pauseColumns } from '../output/print-pauses.ts';
import { printJson } from '../output/print-result.ts';
import { type Column, printTable } from '../output/table.ts';
import { stateWords, styleOf } from '../output/transfer-words.ts';

type Account = SystemStatus['accounts'][number];
type Unfinished = Account['unfinished'][number] & { account: string };

export const command = defineCommand({
  name: 'status',
  section: 'control',
  summary: {
    en: 'show on one screen what runs, waits and is paused',
    fr: 'montrer sur un écran ce qui tourne, attend et est suspendu',
  },
  examples: ['status', 'status --json | jq \'[.accounts[].unfinished[] | select(.state == "review").count] | add\''],
  json: { en: "the API's SystemStatus with pauses: [Pause]", fr: "le SystemStatus de l'API avec pauses : [Pause]" },
  async run({ cli }) {
    const { api } = await cli.connect();
    const request: RequestOf<'showStatus'> = { signal: cli.signal };
    const [status, pauses] = await Promise.all([api.showStatus(request), api.listPauses(request)]);
    if (cli.format === 'json') await printJson(cli, { ...status.data, pauses: pauses.data.items });
    else await print(cli, status.data, pauses.data.items);
    return exitCodes.done;
  },
});

async function print({ io }: Cli, { accounts }: SystemStatus, pauses: readonly Pause[]): Promise<void> {
  await printTable(io, accountColumns(io), accounts);
  const unfinished = accounts.flatMap(({ name, unfinished: rows }) => rows.map((row) => ({ account: name, ...row })));
  await io.print('');
  if (unfinished.length === 0) await io.print(io.text({ en: 'Nothing waits.', fr: "Rien n'attend." }));
  else
    await printTable(
      io,
      unfinishedColumns(io),
      unfinished.toSorted((a, b) => b.oldestSeconds - a.oldestSeconds),
    );
  await io.print('');
  if (pauses.length === 0) await io.print(io.text({ en: 'Nothing is paused.', fr: "Rien n'est suspendu." }));
  else await printTable(io, pauseColumns(io), pauses);
}

function accountColumns(io: Io): readonly Column<Account>[] {
  return [
    { title: { en: 'ACCOUNT', fr: 'COMPTE' }, value: ({ name }) => name },
    {
      title: { en: 'MODE', fr: 'MODE' },
      value: ({ environment }) => environment,
      style: ({ environment }) => (environment === 'PRODUCTION' ? ['bold', 'red'] : undefined),
    },
    {
      title: { en: 'BUDGET LEFT', fr: 'BUDGET RESTANT' },
      value: ({ budget }) => (budget.remaining === null ? '?' : `${budget.remaining} / ${budget.limit}`),
      right: true,
    },
    {
      title: { en: 'SENDS', fr: 'ENVOIS' },
      value: ({ probing }) =>
        probing ? io.text({ en: 'probing KPay', fr: 'KPay à l’essai' }) : io.text({ en: 'as usual', fr: 'normaux' }),
      style: ({ probing }) => (probing ? 'yellow' : undefined),
      spare: 1,
    },
  ];
}

function unfinishedColumns(io: Io): readonly Column<Unfinished>[] {
  return [
    { title: { en: 'ACCOUNT', fr: 'COMPTE' }, value: ({ account }) => account, spare: 2 },
    { title: { en: 'STATE', fr: 'ÉTAT' }, value: ({ state }) => io.text(stateWords[state]), style: styleOf },
    { title: { en: 'WHY', fr: 'POURQUOI' }, value: ({ reasonCode }) => reasonCode ?? '', spare: 1 },
    { title: { en: 'COUNT', fr: 'NOMBRE' }, value: ({ count }) => String(count), right: true },
    {
      title: { en: 'OLDEST', fr: 'PLUS ANCIEN' },
      value: ({ oldestSeconds }) => showDuration(oldestSeconds * 1_000, io.language),
      right: true,
    },
  ];
}
