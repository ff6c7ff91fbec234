import type { AdminClient, Transfer } from '@kpay/admin-client';
import type { Cli } from '../framework/command.ts';
import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { usage } from '../framework/failure.ts';
import { openTransferTable, transfersCsv } from '../output/print-transfer.ts';
import type { TransferState } from '../output/transfer-words.ts';

const PAGE = 200;
const USUAL = 50;

const states = [
  'awaiting_approval',
  'queued',
  'holding',
  'submitting',
  'unconfirmed',
  'review',
  'succeeded',
  'failed',
  'rejected',
  'cancelled',
  'expired',
] as const satisfies readonly TransferState[];

export const command = defineCommand({
  name: 'transfer list',
  section: 'transfers',
  summary: { en: 'list transfers, the newest first', fr: 'lister les transferts, les plus récents d’abord' },
  options: {
    state: {
      type: 'text',
      choices: states,
      value: 'state',
      summary: { en: 'only those in this state', fr: 'seulement ceux dans cet état' },
    },
    account: { type: 'text', value: 'name', summary: { en: 'only those of this account', fr: 'seulement ceux de ce compte' } },
    corridor: {
      type: 'text',
      value: 'CMR-GAB',
      summary: { en: 'only those of this corridor', fr: 'seulement ceux de ce corridor' },
    },
    externalId: {
      type: 'text',
      value: 'id',
      summary: { en: 'only the one with this external id', fr: 'seulement celui avec cet id externe' },
    },
    reason: {
      type: 'text',
      value: 'text',
      summary: { en: 'only those with this text in their reason', fr: 'seulement ceux dont la raison contient ce texte' },
    },
    minAmount: { type: 'text', value: 'amount', summary: { en: 'at least this amount', fr: 'au moins ce montant' } },
    maxAmount: { type: 'text', value: 'amount', summary: { en: 'at most this amount', fr: 'au plus ce montant' } },
    from: {
      type: 'text',
      value: 'time',
      summary: { en: 'accepted at this ISO 8601 time or later', fr: 'acceptés à cette heure ISO 8601 ou après' },
    },
    to: {
      type: 'text',
      value: 'time',
      summary: { en: 'accepted before this ISO 8601 time', fr: 'acceptés avant cette heure ISO 8601' },
    },
    limit: { type: 'text', value: 'number', usual: String(USUAL), summary: { en: 'how many at most', fr: 'combien au plus' } },
    all: { type: 'flag', summary: { en: 'all of them, page by page', fr: 'tous, page par page' } },
  },
  examples: [
    'transfer list --state review',
    'transfer list --all --csv > transfers.csv',
    "transfer list --json | jq '.items[].id'",
  ],
  json: {
    en: '{"items": [Transfer], "nextCursor": text or null}; nextCursor is null when there are no more',
    fr: '{"items": [Transfer], "nextCursor": texte ou null} ; nextCursor est null quand il n’y en a plus',
  },
  csv: true,
  async run({ options, cli }) {
    const { minAmount, maxAmount, from, to, state, account, corridor, externalId, reason } = options;
    const most = options.all ? Number.POSITIVE_INFINITY : numberOf(options.limit ?? String(USUAL));
    const { api } = await cli.connect();
    const query = { minAmount, maxAmount, createdFrom: from, createdTo: to, state, account, corridor, externalId, reason };
    const write = writers[cli.format](cli);
    let left = most;
    let cursor: string | undefined;
    let first = true;
    do {
      const page = await pageOf(api, { ...query, limit: Math.min(PAGE, left), cursor }, cli.signal);
      left -= page.items.length;
      cursor = left > 0 ? (page.nextCursor ?? undefined) : undefined;
      await write({ items: page.items, first, last: cursor === undefined, nextCursor: page.nextCursor });
      first = false;
      // `head` has seen enough.
    } while (cursor !== undefined && !cli.io.closed.aborted);
    return exitCodes.done;
  },
});

type Query = NonNullable<Parameters<AdminClient['listTransfers']>[0]['query']>;

async function pageOf(api: AdminClient, query: Query, signal: AbortSignal) {
  return (await api.listTransfers({ query, signal })).data;
}

interface Page {
  items: readonly Transfer[];
  first: boolean;
  last: boolean;
  nextCursor: string | null;
}

/** A million rows go through a page at a time. */
const writers: Readonly<Record<Cli['format'], (cli: Cli) => (page: Page) => Promise<void>>> = {
  json:
    ({ io }) =>
    async ({ items, first, last, nextCursor }) => {
      const rows = items.map((item, index) => `${first && index === 0 ? '' : ','}\n${JSON.stringify(item)}`).join('');
      await io.write(`${first ? '{"items":[' : ''}${rows}${last ? `],\n"nextCursor":${JSON.stringify(nextCursor)}}\n` : ''}`);
    },
  csv:
    ({ io }) =>
    ({ items, first }) =>
      io.write(transfersCsv(items, { head: first })),
  people: ({ io }) => {
    const table = openTransferTable(io);
    return async ({ items, first, last, nextCursor }) => {
      await table.print(items);
      if (first && items.length === 0) io.tell(io.text({ en: 'There are none.', fr: "Il n'y en a pas." }));
      if (last && nextCursor !== null && io.width !== undefined) {
        io.tell(io.text({ en: 'There are more: --all, or --limit.', fr: 'Il y en a d’autres : --all ou --limit.' }));
      }
    };
  },
};

function numberOf(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw usage({ en: '--limit must be a number such as 50', fr: '--limit doit être un nombre comme 50' });
}
