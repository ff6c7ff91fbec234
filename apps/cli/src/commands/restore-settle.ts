import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';

const verdicts = {
  happened: 'happened',
  'not-happened': 'not_happened',
  'send-again': 'send_again',
  unchanged: 'unchanged',
} as const;

export const command = defineCommand({
  name: 'restore settle',
  section: 'system',
  stores: true,
  summary: {
    en: 'settle many transfers in review by what you found out',
    fr: 'trancher beaucoup de transferts à vérifier par ce que vous avez trouvé',
  },
  options: {
    as: {
      type: 'text',
      required: true,
      choices: Object.keys(verdicts) as (keyof typeof verdicts)[],
      value: 'verdict',
      summary: { en: 'what you found', fr: 'ce que vous avez trouvé' },
    },
    reason: {
      type: 'text',
      required: true,
      value: 'text',
      summary: { en: 'how it is known; kept with each transfer', fr: 'comment on le sait ; gardé avec chaque transfert' },
    },
    reasonCode: {
      type: 'text',
      value: 'code',
      usual: 'restored',
      summary: { en: 'why they are in review', fr: 'pourquoi ils sont à vérifier' },
    },
    account: { type: 'text', value: 'name', summary: { en: 'only those of this account', fr: 'seulement ceux de ce compte' } },
    acceptedFrom: {
      type: 'text',
      value: 'time',
      summary: {
        en: 'only those accepted at this ISO 8601 time or later',
        fr: 'seulement ceux acceptés à cette heure ISO 8601 ou après',
      },
    },
    acceptedBefore: {
      type: 'text',
      value: 'time',
      summary: { en: 'only those accepted before this ISO 8601 time', fr: 'seulement ceux acceptés avant cette heure ISO 8601' },
    },
  },
  async run({ options: { as, reason, reasonCode = 'restored', account, acceptedFrom, acceptedBefore }, cli }) {
    // Before anything is opened.
    const said = await reasonOf(reason);
    const filter = {
      reasonCode,
      ...(account !== undefined && { account }),
      ...(acceptedFrom !== undefined && { acceptedFrom: timeOf('--accepted-from', acceptedFrom) }),
      ...(acceptedBefore !== undefined && { acceptedBefore: timeOf('--accepted-before', acceptedBefore) }),
    };
    const { onStores, storesActor } = await import('../stores/on-stores.ts');
    const { withMaintenance } = await import('../stores/open-maintenance.ts');
    const order = { by: storesActor(), verdict: verdicts[as], reason: said };
    const { resolved, skipped: left } = await onStores(() =>
      withMaintenance(cli.env, (maintenance) => maintenance.settle(filter, order)),
    );
    await cli.io.print(`${resolved} settled as ${as}.`);
    if (left > 0) await cli.io.print(`${left} left in review: ${as} cannot be said of them.`);
    return exitCodes.done;
  },
});

/** By the rules of every door (docs/api.md). */
async function reasonOf(text: string): Promise<string> {
  const { textSchema } = await import('@kpay/producer');
  const parsed = textSchema(500).safeParse(text);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues[0]?.message ?? 'is not valid';
  throw usage({ en: `--reason ${why}`, fr: `--reason ${why}` });
}

function timeOf(flag: string, text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw usage({
    en: `${flag} must be an ISO 8601 time, such as 2026-11-24T08:00:00Z`,
    fr: `${flag} doit être une heure ISO 8601, comme 2026-11-24T08:00:00Z`,
  });
}
