import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { tellAge } from '../output/print-age.ts';
import { printRows } from '../output/print-rows.ts';

const CURRENCIES = ['CDF', 'KES', 'RWF', 'SLE', 'UGX', 'USD', 'XAF', 'XOF', 'ZMW'] as const;
type Currency = (typeof CURRENCIES)[number];

export const command = defineCommand({
  name: 'rates',
  section: 'figures',
  summary: { en: 'show the rate between two currencies', fr: 'montrer le taux entre deux monnaies' },
  arguments: {
    from: { required: true, summary: { en: 'such as XAF', fr: 'comme XAF' } },
    to: { required: true, summary: { en: 'such as XOF', fr: 'comme XOF' } },
  },
  options: { account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } } },
  examples: ['rates XAF XOF'],
  json: {
    en: '{account, askedAt, ageSeconds, stale, items: [Rate]}, as the API answers',
    fr: "{account, askedAt, ageSeconds, stale, items: [Rate]}, comme l'API",
  },
  csv: true,
  exits: [exitCodes.notFound],
  async run({ arguments: { from, to }, options: { account }, cli }) {
    const { api } = await cli.connect();
    const query = { account, from: readCurrency(from, '<from>'), to: readCurrency(to, '<to>') };
    const { data } = await api.showRates({ query, signal: cli.signal });
    await printRows(cli, {
      answer: data,
      rows: data.items,
      columns: [
        { title: { en: 'FROM', fr: 'DE' }, value: (rate) => rate.from },
        { title: { en: 'TO', fr: 'VERS' }, value: (rate) => rate.to },
        { title: { en: 'RATE', fr: 'TAUX' }, value: ({ rate }) => rate, right: true },
      ],
      fields: ['from', 'to', 'rate'],
    });
    tellAge(cli.io, data);
    return exitCodes.done;
  },
});

function readCurrency(text: string, what: string): Currency {
  const found = CURRENCIES.find((each) => each === text.toUpperCase());
  if (found) return found;
  const list = CURRENCIES.join(', ');
  throw usage({ en: `${what} must be one of ${list}`, fr: `${what} doit être parmi ${list}` });
}
