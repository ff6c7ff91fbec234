import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import type { Style } from '../framework/io.ts';
import { tellAge } from '../output/print-age.ts';
import { printRows } from '../output/print-rows.ts';

const USUAL_OPERATIONS = ['DEPOSIT', 'PAYOUT', 'REMITTANCE'];
const SHAPES: Readonly<Record<string, { shape: string; style: Style }>> = {
  OPERATIONAL: { shape: '■', style: 'green' },
  DELAYED: { shape: '▲', style: 'yellow' },
  CLOSED: { shape: '✕', style: 'red' },
};

export const command = defineCommand({
  name: 'availability',
  section: 'figures',
  summary: {
    en: 'show which operators work, by country and operation',
    fr: 'montrer quels opérateurs marchent, par pays et opération',
  },
  options: {
    account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } },
    country: {
      type: 'text',
      value: 'country',
      summary: { en: 'only this country, such as CMR', fr: 'seulement ce pays, comme CMR' },
    },
  },
  json: {
    en: '{account, askedAt, ageSeconds, stale, items: [CountryAvailability]}, as the API answers',
    fr: "{account, askedAt, ageSeconds, stale, items: [CountryAvailability]}, comme l'API",
  },
  csv: true,
  exits: [exitCodes.notFound],
  async run({ options: { account, country }, cli }) {
    const { api } = await cli.connect();
    const { data } = await api.showAvailability({ query: { account }, signal: cli.signal });
    const items = data.items.filter((item) => country === undefined || item.country === country.toUpperCase());
    const rows = items.flatMap(({ country: code, providers }) =>
      providers.flatMap(({ provider, operationTypes }) =>
        operationTypes.map(({ operationType, status }) => ({ country: code, provider, operation: operationType, status })),
      ),
    );
    // Operations that nobody knew when this was written get a column too.
    const operations = [...new Set([...USUAL_OPERATIONS, ...rows.map(({ operation }) => operation)])];
    const matrix = items.flatMap(({ country: code, providers }) => providers.map((each) => ({ country: code, ...each })));
    if (cli.format !== 'people') {
      await printRows(cli, {
        answer: { ...data, items },
        rows,
        columns: [],
        fields: ['country', 'provider', 'operation', 'status'],
      });
      return exitCodes.done;
    }
    const statusOf = (row: (typeof matrix)[number], operation: string) =>
      row.operationTypes.find((each) => each.operationType === operation)?.status;
    await printRows(cli, {
      answer: data,
      rows: matrix,
      columns: [
        { title: { en: 'COUNTRY', fr: 'PAYS' }, value: (row) => row.country },
        { title: { en: 'OPERATOR', fr: 'OPÉRATEUR' }, value: (row) => row.provider },
        ...operations.map((operation) => ({
          title: { en: operation, fr: operation },
          value: (row: (typeof matrix)[number]) => {
            const status = statusOf(row, operation);
            return status === undefined ? '' : `${SHAPES[status]?.shape ?? '?'} ${status.toLowerCase()}`;
          },
          style: (row: (typeof matrix)[number]) => SHAPES[statusOf(row, operation) ?? '']?.style,
        })),
      ],
      fields: ['country', 'provider'],
    });
    tellAge(cli.io, data);
    return exitCodes.done;
  },
});
