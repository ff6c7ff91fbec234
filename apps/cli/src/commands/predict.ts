import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { printJson } from '../output/print-result.ts';
import { printFields } from '../output/table.ts';

export const command = defineCommand({
  name: 'predict',
  section: 'figures',
  summary: { en: 'say which operator a phone number belongs to', fr: 'dire à quel opérateur appartient un numéro' },
  arguments: {
    phone: { required: true, summary: { en: 'in national or international form', fr: 'sous forme nationale ou internationale' } },
  },
  options: { account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } } },
  examples: ['predict 237653456789'],
  json: { en: "the API's PredictedProvider", fr: "le PredictedProvider de l'API" },
  exits: [exitCodes.notFound],
  async run({ arguments: { phone }, options: { account }, cli }) {
    const { api } = await cli.connect();
    const { data } = await api.predictProvider({ body: { phoneNumber: phone, account }, signal: cli.signal });
    if (cli.format === 'json') await printJson(cli, data);
    else {
      await printFields(cli.io, [
        [{ en: 'operator', fr: 'opérateur' }, data.provider],
        [{ en: 'country', fr: 'pays' }, data.country],
        [{ en: 'number', fr: 'numéro' }, data.phoneNumber],
      ]);
    }
    return exitCodes.done;
  },
});
