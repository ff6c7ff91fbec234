import type { RequestOf } from '@kpay/admin-client';
import { announce } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import { readMoment } from '../api/follow.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { printJson } from '../output/print-result.ts';

type Body = RequestOf<'createApiKey'>['body'];

export const command = defineCommand({
  name: 'keys create',
  section: 'control',
  summary: { en: 'make a key; it is shown this once', fr: "créer une clé ; elle n'est montrée qu'une fois" },
  description: {
    en: 'Standard output has the key alone. What is not given is as the key has it that you use.',
    fr: "La sortie standard n'a que la clé. Ce qui n'est pas donné est comme pour la clé que vous utilisez.",
  },
  options: {
    name: { type: 'text', required: true, value: 'name', summary: { en: 'what it is for', fr: 'à quoi elle sert' } },
    owner: {
      type: 'text',
      value: 'name',
      summary: { en: 'the person or service that it belongs to', fr: 'la personne ou le service à qui elle appartient' },
    },
    scope: {
      type: 'list',
      choices: ['read', 'transfers:create', 'transfers:approve', 'transfers:resolve', 'control', 'keys', 'audit'],
      value: 'scope',
      summary: { en: 'what it may do; may be given more than once', fr: 'ce qu’elle permet ; peut être répété' },
    },
    account: {
      type: 'list',
      value: 'name',
      summary: {
        en: 'an account that it reaches; may be given more than once',
        fr: "un compte qu'elle atteint ; peut être répété",
      },
    },
    mayMakeFor: {
      type: 'list',
      value: 'owner',
      summary: { en: 'an owner that it may make keys for', fr: 'un propriétaire pour qui elle peut créer des clés' },
    },
    addressRange: {
      type: 'list',
      value: '10.0.0.0/8',
      summary: { en: 'where it may be used from', fr: "d'où elle peut servir" },
    },
    spendLimit: {
      type: 'list',
      value: 'XAF:5000000:24h',
      summary: { en: 'the most that it may make in that time', fr: 'le plus qu’elle peut faire en ce temps' },
    },
    requestsPerMinute: {
      type: 'text',
      value: 'number',
      summary: { en: 'how often it may ask', fr: 'combien de demandes elle peut faire' },
    },
    expiresAt: {
      type: 'text',
      value: 'time',
      summary: { en: 'when it ends: 30d from now, or an ISO 8601 time', fr: 'quand elle finit : 30d, ou une heure ISO 8601' },
    },
  },
  examples: [
    'keys create --name dashboard --owner dashboard --scope read',
    'keys create --name cron --owner payouts --scope read --scope transfers:create --spend-limit XAF:5000000:24h > key.txt',
  ],
  json: { en: "the API's NewApiKey; key is the key itself", fr: "le NewApiKey de l'API ; key est la clé elle-même" },
  exits: [exitCodes.unknown],
  async run({ options, cli }) {
    const { io, signal } = cli;
    if (options.scope.length === 0) throw usage({ en: '--scope is required', fr: '--scope est obligatoire' });
    const body: Body = {
      name: options.name,
      owner: options.owner,
      scopes: options.scope,
      accounts: someOf(options.account),
      mayMakeFor: someOf(options.mayMakeFor),
      addressRanges: someOf(options.addressRange),
      spendLimits: someOf(options.spendLimit.map(readLimit)),
      requestsPerMinute: options.requestsPerMinute === undefined ? undefined : readCount(options.requestsPerMinute),
      expiresAt: options.expiresAt === undefined ? undefined : readMoment(options.expiresAt, '--expires-at'),
    };
    const connection = await cli.connect();
    await announce(cli, connection, null);
    const { data } = await connection.api.createApiKey({ body, signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : failureOf(error, { writes: true });
    });
    if (cli.format === 'json') await printJson(cli, data);
    else await io.write(`${data.key}\n`);
    io.tell(
      io.text({
        en: `Key ${data.id} of ${data.owner}: keep it now, it is not shown again.`,
        fr: `Clé ${data.id} de ${data.owner} : gardez-la, elle ne sera plus montrée.`,
      }),
    );
    return exitCodes.done;
  },
});

function someOf<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : items;
}

function readLimit(text: string): NonNullable<Body['spendLimits']>[number] {
  const [, currency, amount = '', hours] = /^([A-Z]{3}):(\d+(?:\.\d+)?):(\d{1,4})h$/.exec(text) ?? [];
  // The API judges the currency.
  if (currency !== undefined) return { currency: currency as 'XAF', amount, hours: Number(hours) };
  throw usage({ en: '--spend-limit must be like XAF:5000000:24h', fr: '--spend-limit doit être comme XAF:5000000:24h' });
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw usage({
    en: '--requests-per-minute must be a number such as 60',
    fr: '--requests-per-minute doit être un nombre comme 60',
  });
}
