import { randomUUID } from 'node:crypto';
import type { DryRun, RequestOf, Transfer } from '@kpay/admin-client';
import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { exitOf, follow, readDuration, readMoment, USUAL_WAIT } from '../api/follow.ts';
import { type Cli, defineCommand, waitOptions, yesOption } from '../framework/command.ts';
import { type ExitCode, exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { readAmount, readCountry } from '../output/amount.ts';
import { amountInWords } from '../output/amount-words.ts';
import { countryName } from '../output/countries.ts';
import { showAmount } from '../output/format.ts';
import { printJson, printOne } from '../output/print-result.ts';
import { printTransfer } from '../output/print-transfer.ts';
import { clean, printTable } from '../output/table.ts';

type Order = RequestOf<'createTransfer'>['body'];

export const command = defineCommand({
  name: 'transfer create',
  section: 'transfers',
  money: true,
  summary: { en: 'make a transfer between two wallets, once', fr: 'faire un transfert entre deux portefeuilles, une seule fois' },
  description: {
    en: 'The same --external-id with the same values is the same transfer, however often the command runs. Without one, an id is made and told on standard error before anything is sent.',
    fr: "Le même --external-id avec les mêmes valeurs est le même transfert, quel que soit le nombre d'essais. Sans lui, un id est créé et dit sur l'erreur standard avant tout envoi.",
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
      summary: { en: 'the wallet that receives, such as GAB', fr: 'le portefeuille qui reçoit, comme GAB' },
    },
    amount: {
      type: 'text',
      required: true,
      value: 'amount',
      summary: {
        en: 'in the paying wallet\'s currency: 50000 or "50 000"',
        fr: 'dans la monnaie du portefeuille qui paie : 50000 ou "50 000"',
      },
    },
    externalId: { type: 'text', value: 'id', summary: { en: 'your own id of the payment', fr: 'votre propre id du paiement' } },
    account: { type: 'text', value: 'name', usual: 'default', summary: { en: 'the account', fr: 'le compte' } },
    minRate: {
      type: 'text',
      value: 'rate',
      summary: { en: 'wait while the rate is lower', fr: 'attendre tant que le taux est plus bas' },
    },
    quote: {
      type: 'text',
      value: 'id',
      summary: {
        en: 'a quote, whose floor becomes the lowest rate (kpay quote)',
        fr: 'un devis, dont le plancher devient le taux minimal (kpay quote)',
      },
    },
    description: { type: 'text', value: 'text', summary: { en: 'what it is for', fr: 'à quoi il sert' } },
    metadata: {
      type: 'list',
      value: 'name=value',
      summary: { en: 'a label; may be given more than once', fr: 'une étiquette ; peut être répété' },
    },
    priority: { type: 'text', value: '0-9', summary: { en: '9 is the most urgent', fr: '9 est le plus urgent' } },
    notBefore: {
      type: 'text',
      value: 'time',
      summary: { en: 'send no sooner: an ISO 8601 time, or 2h from now', fr: 'ne pas envoyer avant : heure ISO 8601, ou 2h' },
    },
    expiresAt: {
      type: 'text',
      value: 'time',
      summary: { en: 'give up after this time when it was not sent', fr: "abandonner après cette heure s'il n'est pas parti" },
    },
    onInsufficientFunds: {
      type: 'text',
      choices: ['hold', 'fail'],
      value: 'what',
      usual: 'hold',
      summary: { en: 'when the wallet has too little', fr: 'quand le portefeuille a trop peu' },
    },
    dryRun: {
      type: 'flag',
      summary: { en: 'say what would happen; nothing is made', fr: "dire ce qui arriverait ; rien n'est fait" },
    },
    ...waitOptions,
    yes: yesOption,
  },
  examples: [
    'transfer create --from CMR --to GAB --amount "50 000" --external-id payout-42 --wait',
    'transfer create --from CMR --to SEN --amount 50000 --min-rate 1.01 --dry-run',
  ],
  json: { en: "the API's Transfer; with --dry-run its DryRun", fr: "le Transfer de l'API ; avec --dry-run, son DryRun" },
  exits: [exitCodes.declined, exitCodes.refused, exitCodes.waiting, exitCodes.unknown, exitCodes.notFound],
  async run({ options, cli }) {
    const { io, signal } = cli;
    const withinMs = readDuration(options.timeout ?? USUAL_WAIT, '--timeout');
    const source = readCountry(options.from, '--from');
    const destination = readCountry(options.to, '--to');
    const amount = readAmount(options.amount, '--amount', source.currency);
    const externalId = options.externalId ?? `cli-${randomUUID()}`;
    const account = options.account ?? 'default';
    const body: Order = {
      externalId,
      account,
      sourceCountry: source.country,
      destinationCountry: destination.country,
      amount,
      description: options.description,
      minRate: options.minRate,
      quoteId: options.quote,
      onInsufficientFunds: options.onInsufficientFunds,
      notBefore: options.notBefore === undefined ? undefined : readMoment(options.notBefore, '--not-before'),
      expiresAt: options.expiresAt === undefined ? undefined : readMoment(options.expiresAt, '--expires-at'),
      priority: options.priority === undefined ? undefined : readPriority(options.priority),
      ...(options.metadata.length > 0 && { metadata: readMetadata(options.metadata) }),
    };
    const connection = await cli.connect();
    if (options.dryRun) return await tryOut(cli, (await connection.api.tryTransfer({ body, signal })).data);
    const environment = await announce(cli, connection, account);
    await confirm(cli, environment, options.yes, {
      en: `Send ${showAmount(amount, source.currency, 'en')} (${amountInWords(amount, source.currency, 'en')}) from ${countryName(source.country, 'en')} to ${countryName(destination.country, 'en')}?`,
      fr: `Envoyer ${showAmount(amount, source.currency, 'fr')} (${amountInWords(amount, source.currency, 'fr')}) : ${countryName(source.country, 'fr')} → ${countryName(destination.country, 'fr')} ?`,
    });
    const again = `--external-id ${externalId}`;
    if (options.externalId === undefined)
      io.tell(io.text({ en: `external id: ${externalId}`, fr: `id externe : ${externalId}` }));
    let made: Transfer;
    try {
      const { data, header } = await connection.api.createTransfer({ body, signal });
      made = data;
      if (header('idempotency-replayed') !== undefined) {
        io.tell(
          io.text({ en: 'It was accepted before; this is that transfer.', fr: 'Il a déjà été accepté ; voici ce transfert.' }),
        );
      }
    } catch (error) {
      if (signal.aborted) {
        io.tell(
          io.text({
            en: `It may have been accepted: ask again with ${again}.`,
            fr: `Il est peut-être accepté : redemandez avec ${again}.`,
          }),
        );
      }
      throw signal.aborted ? signal.reason : failureOf(error, { money: true, again });
    }
    const last = options.wait ? await follow(cli, connection, made, { withinMs }) : made;
    await printOne(cli, last);
    if (!options.wait) return exitCodes.done;
    return exitOf(last);
  },
});

const OUTCOMES = {
  known: { en: 'It was accepted before.', fr: 'Il a déjà été accepté.' },
  would_send: { en: 'It would be sent.', fr: 'Il serait envoyé.' },
  would_hold: { en: 'It would wait.', fr: 'Il attendrait.' },
  would_fail: { en: 'It would fail; nothing would move.', fr: 'Il échouerait ; rien ne bougerait.' },
} as const;

async function tryOut(cli: Cli, { ...dryRun }: DryRun): Promise<ExitCode> {
  const { io } = cli;
  const { outcome, reason, checks, transfer } = dryRun;
  if (cli.format === 'json') await printJson(cli, dryRun);
  else {
    await io.print(`${io.style('bold', io.text(OUTCOMES[outcome]))}${reason === null ? '' : ` ${clean(reason)}`}`);
    if (transfer) await printTransfer(io, transfer);
    await printTable(
      io,
      [
        { title: { en: 'CHECK', fr: 'CONTRÔLE' }, value: ({ check }) => check },
        { title: { en: 'VERDICT', fr: 'VERDICT' }, value: ({ verdict }) => verdict },
        { title: { en: 'WHY', fr: 'POURQUOI' }, value: (each) => each.reason ?? '', cut: true, spare: 1 },
      ],
      checks,
    );
  }
  if (outcome === 'would_hold') return exitCodes.waiting;
  return outcome === 'would_fail' ? exitCodes.refused : exitCodes.done;
}

function readPriority(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw usage({ en: '--priority must be 0 to 9', fr: '--priority doit être de 0 à 9' });
}

function readMetadata(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw usage({ en: '--metadata must be name=value', fr: '--metadata doit être nom=valeur' });
    }),
  );
}
