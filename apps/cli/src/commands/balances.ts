import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { showNumber } from '../output/format.ts';
import { tellAge } from '../output/print-age.ts';
import { printRows } from '../output/print-rows.ts';

export const command = defineCommand({
  name: 'balances',
  section: 'figures',
  summary: { en: 'show what KPay holds, by currency', fr: 'montrer ce que KPay détient, par monnaie' },
  options: { account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } } },
  examples: ['balances', 'balances --json | jq -r \'.items[] | select(.currency == "XAF").availableBalance\''],
  json: {
    en: '{account, askedAt, ageSeconds, stale, items: [Balance]}, as the API answers',
    fr: "{account, askedAt, ageSeconds, stale, items: [Balance]}, comme l'API",
  },
  csv: true,
  exits: [exitCodes.notFound],
  async run({ options: { account }, cli }) {
    const { io, signal } = cli;
    const { api } = await cli.connect();
    const { data } = await api.showBalances({ query: { account }, signal });
    const figure = (title: { en: string; fr: string }, of: (row: (typeof data.items)[number]) => string) => ({
      title,
      value: (row: (typeof data.items)[number]) => showNumber(of(row), io.language),
      right: true as const,
    });
    await printRows(cli, {
      answer: data,
      rows: data.items,
      columns: [
        { title: { en: 'CURRENCY', fr: 'MONNAIE' }, value: ({ currency }) => currency },
        figure({ en: 'AVAILABLE', fr: 'DISPONIBLE' }, ({ availableBalance }) => availableBalance),
        { ...figure({ en: 'HELD', fr: 'RÉSERVÉ' }, ({ reservedBalance }) => reservedBalance), spare: 1 },
        { ...figure({ en: 'BALANCE', fr: 'SOLDE' }, ({ balance }) => balance), spare: 2 },
      ],
      fields: ['currency', 'balance', 'reservedBalance', 'availableBalance'],
    });
    tellAge(io, data);
    return exitCodes.done;
  },
});
