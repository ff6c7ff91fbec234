import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { findTransfer } from '../api/find-transfer.ts';
import { defineCommand, yesOption } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import type { Text } from '../framework/language.ts';
import { amountInWords } from '../output/amount-words.ts';
import { printOne } from '../output/print-result.ts';

const verdicts = {
  happened: 'happened',
  'not-happened': 'not_happened',
  'send-again': 'send_again',
  unchanged: 'unchanged',
} as const;

const WORDS: Readonly<Record<keyof typeof verdicts, Text>> = {
  happened: { en: 'it happened', fr: 'il a eu lieu' },
  'not-happened': { en: 'it did not happen', fr: "il n'a pas eu lieu" },
  'send-again': { en: 'send it again under the same id', fr: "l'envoyer de nouveau sous le même id" },
  unchanged: { en: 'back to where it was before the restore', fr: 'comme avant la restauration' },
};

export const command = defineCommand({
  name: 'transfer resolve',
  section: 'transfers',
  money: true,
  summary: {
    en: 'settle a transfer that needs a person, by what you found at KPay',
    fr: 'trancher un transfert à vérifier, par ce que vous avez vu chez KPay',
  },
  description: {
    en: 'It acts on the transfer as it stands now: one that changes meanwhile is left alone (11). kpay transfer explain shows the evidence.',
    fr: 'La commande agit sur le transfert tel qu’il est : s’il change entre-temps, rien n’est fait (11). kpay transfer explain montre les indices.',
  },
  arguments: { id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } } },
  options: {
    as: {
      type: 'text',
      required: true,
      choices: ['happened', 'not-happened', 'send-again', 'unchanged'],
      value: 'verdict',
      summary: { en: 'what you found', fr: 'ce que vous avez trouvé' },
    },
    reason: {
      type: 'text',
      required: true,
      value: 'text',
      summary: { en: 'how it is known; kept in its history', fr: 'comment on le sait ; gardé dans son histoire' },
    },
    evidence: {
      type: 'text',
      value: 'text',
      summary: { en: 'where it can be seen: a ticket, a link', fr: 'où le voir : un ticket, un lien' },
    },
    yes: yesOption,
  },
  examples: ['transfer resolve payout-42 --as happened --reason "seen in the dashboard"'],
  json: { en: "the API's Transfer", fr: "le Transfer de l'API" },
  exits: [exitCodes.declined, exitCodes.refused, exitCodes.unknown, exitCodes.notFound, exitCodes.changed],
  async run({ arguments: { id }, options: { as, reason, evidence, yes }, cli }) {
    const connection = await cli.connect();
    const { api } = connection;
    const transfer = await findTransfer(api, id, cli.signal);
    const environment = await announce(cli, connection, transfer.account);
    const { amount, currency } = transfer;
    await confirm(cli, environment, yes, {
      en: `Settle ${amountInWords(amount, currency, 'en')}: ${WORDS[as].en}?`,
      fr: `Trancher ${amountInWords(amount, currency, 'fr')} : ${WORDS[as].fr} ?`,
    });
    const headers = { 'If-Match': `"${transfer.version}"` };
    const body = { verdict: verdicts[as], reason, evidence };
    try {
      await printOne(cli, (await api.resolveTransfer({ id: transfer.id, headers, body, signal: cli.signal })).data);
    } catch (error) {
      throw cli.signal.aborted ? cli.signal.reason : failureOf(error, { money: true });
    }
    return exitCodes.done;
  },
});
