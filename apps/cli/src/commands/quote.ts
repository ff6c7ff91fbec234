import { failureOf } from '../api/failure-of.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { readAmount, readCountry } from '../output/amount.ts';
import { showAmount, showDuration, showTime } from '../output/format.ts';
import { printJson } from '../output/print-result.ts';
import { printFields } from '../output/table.ts';

export const command = defineCommand({
  name: 'quote',
  section: 'figures',
  summary: {
    en: 'see a rate, and the floor below which a transfer made with it waits',
    fr: 'voir un taux, et le plancher sous lequel un transfert fait avec lui attend',
  },
  options: {
    from: {
      type: 'text',
      required: true,
      value: 'country',
      summary: { en: 'the wallet that pays, such as CMR', fr: 'le portefeuille qui paie, comme CMR' },
    },
    to: {
      type: 'text',
      required: true,
      value: 'country',
      summary: { en: 'the wallet that receives, such as SEN', fr: 'le portefeuille qui reçoit, comme SEN' },
    },
    amount: {
      type: 'text',
      value: 'amount',
      summary: { en: "in the paying wallet's currency", fr: 'dans la monnaie du portefeuille qui paie' },
    },
    tolerance: {
      type: 'text',
      value: 'percent',
      summary: { en: 'how far the floor is below the rate', fr: 'de combien le plancher est sous le taux' },
    },
    account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } },
  },
  examples: ['quote --from CMR --to SEN --amount "50 000"'],
  json: {
    en: "the API's Quote; its id is for transfer create --quote",
    fr: "le Quote de l'API ; son id sert à transfer create --quote",
  },
  exits: [exitCodes.notFound],
  async run({ options, cli }) {
    const { io, signal } = cli;
    const source = readCountry(options.from, '--from');
    const destination = readCountry(options.to, '--to');
    const body = {
      sourceCountry: source.country,
      destinationCountry: destination.country,
      account: options.account,
      amount: options.amount === undefined ? undefined : readAmount(options.amount, '--amount', source.currency),
      tolerancePercent: options.tolerance === undefined ? undefined : readPercent(options.tolerance),
    };
    const { api } = await cli.connect();
    const { data } = await api.createQuote({ body, signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : failureOf(error);
    });
    if (cli.format === 'json') await printJson(cli, data);
    else {
      await printFields(io, [
        [{ en: 'quote', fr: 'devis' }, data.id],
        [
          { en: 'rate', fr: 'taux' },
          `${data.rate} ${data.currency} → ${data.destinationCurrency} (${showDuration(data.rateAgeSeconds * 1_000, io.language)})`,
        ],
        [{ en: 'amount', fr: 'montant' }, showAmount(data.amount, data.currency, io.language)],
        [{ en: 'would arrive', fr: 'arriverait' }, showAmount(data.estimate, data.destinationCurrency, io.language)],
        [{ en: 'floor', fr: 'plancher' }, `${data.floor} (-${data.tolerancePercent} %)`],
        [{ en: 'good until', fr: "valable jusqu'à" }, showTime(data.expiresAt)],
      ]);
    }
    return exitCodes.done;
  },
});

function readPercent(text: string): number {
  if (/^\d{1,2}([.,]\d{1,2})?$/.test(text)) return Number(text.replace(',', '.'));
  throw usage({ en: '--tolerance must be a percentage such as 2', fr: '--tolerance doit être un pourcentage comme 2' });
}
