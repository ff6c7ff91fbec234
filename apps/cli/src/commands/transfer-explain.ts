import type { Pause, ReviewEvidence, Transfer, TransferEvent } from '@kpay/admin-client';
import { findTransfer } from '../api/find-transfer.ts';
import { type Cli, defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { adviceOf, nextSteps, type Step } from '../output/explain-words.ts';
import { showAmount, showDuration, showTime } from '../output/format.ts';
import { printJson } from '../output/print-result.ts';
import { printFields } from '../output/table.ts';
import { isFinal, movedWords, stateWords, styleOf } from '../output/transfer-words.ts';

export const command = defineCommand({
  name: 'transfer explain',
  section: 'transfers',
  summary: {
    en: 'say why a transfer waits, until when, and what may be done now',
    fr: "dire pourquoi un transfert attend, jusqu'à quand, et que faire",
  },
  arguments: { id: { required: true, summary: { en: 'its id or its external id', fr: 'son id ou son id externe' } } },
  examples: ['transfer explain payout-42'],
  json: {
    en: '{transfer, since, decidedOn, pauses, evidence, next: [{do, command}]}; evidence is null unless money may have moved',
    fr: "{transfer, since, decidedOn, pauses, evidence, next: [{do, command}]} ; evidence est null sauf si l'argent a pu bouger",
  },
  exits: [exitCodes.notFound],
  async run({ arguments: { id }, cli }) {
    const { signal } = cli;
    const { api } = await cli.connect();
    const transfer = await findTransfer(api, id, signal);
    const unsure = transfer.moneyMoved === 'unknown';
    const [events, pauses, evidence] = await Promise.all([
      api.listTransferEvents({ id: transfer.id, signal }),
      api.listPauses({ signal }),
      unsure ? api.showReviewEvidence({ id: transfer.id, signal }) : undefined,
    ]);
    const story = {
      transfer,
      since: sinceOf(transfer, events.data.items),
      decidedOn: events.data.items.at(-1)?.detail ?? null,
      pauses: pauses.data.items.filter((pause) => holds(pause, transfer)),
      evidence: evidence?.data ?? null,
    };
    const next = nextSteps(transfer, story.pauses);
    if (cli.format === 'json') {
      await printJson(cli, { ...story, next: next.map(({ text, command: line }) => ({ do: text.en, command: line })) });
    } else await print(cli, story, next);
    return exitCodes.done;
  },
});

interface Story {
  transfer: Transfer;
  since: string;
  decidedOn: Readonly<Record<string, unknown>> | null;
  pauses: readonly Pause[];
  evidence: ReviewEvidence | null;
}

/** A hold is renewed at each look: it began with the first of the last events that led to the same state. */
function sinceOf({ state, createdAt }: Transfer, events: readonly TransferEvent[]): string {
  const other = events.findLastIndex(({ to }) => to !== state && !(state === 'holding' && to === 'queued'));
  return events.slice(other + 1).find(({ to }) => to === state)?.at ?? createdAt;
}

function holds({ scope, account, corridor }: Pause, transfer: Transfer): boolean {
  if (isFinal(transfer)) return false;
  if (scope === 'all') return true;
  if (account !== transfer.account) return false;
  return scope === 'account' || corridor === `${transfer.sourceCountry}-${transfer.destinationCountry}`;
}

async function print(cli: Cli, { transfer, since, decidedOn, pauses, evidence }: Story, next: readonly Step[]): Promise<void> {
  const { io } = cli;
  const { language } = io;
  const style = styleOf(transfer);
  const state = io.text(stateWords[transfer.state]);
  const route = `${transfer.sourceCountry} → ${transfer.destinationCountry}`;
  await io.print(
    `${io.style('bold', showAmount(transfer.amount, transfer.currency, language))}  ${route}  ${style === undefined ? state : io.style(style, state)}`,
  );
  const advice = adviceOf(transfer);
  await printFields(io, [
    [{ en: 'why', fr: 'pourquoi' }, transfer.reason ?? (advice ? io.text(advice) : null)],
    [{ en: 'since', fr: 'depuis' }, `${showTime(since)} (${showDuration(Date.now() - Date.parse(since), language)})`],
    [{ en: 'until', fr: "jusqu'à" }, untilOf(cli, transfer)],
    [{ en: 'money moved', fr: 'argent déplacé' }, io.text(movedWords[transfer.moneyMoved])],
    [{ en: 'attempts', fr: 'essais' }, String(transfer.attempts)],
    ...pauses.map(({ id, reason, createdBy, until }) => {
      const end =
        until === null
          ? io.text({ en: 'until it is lifted', fr: "jusqu'à sa levée" })
          : io.text({ en: `until ${showTime(until)}`, fr: `jusqu'à ${showTime(until)}` });
      return [{ en: 'paused', fr: 'suspendu' }, `${reason} (${createdBy}, ${end}, ${id})`] as const;
    }),
    [{ en: 'decided on', fr: 'décidé sur' }, decidedOn === null ? null : factsOf(decidedOn)],
    [
      { en: 'sends', fr: 'envois' },
      evidence?.attempts
        .map(({ number, outcome, status }) => `${number}: ${outcome ?? '?'}${status === null ? '' : ` (${status})`}`)
        .join(', '),
    ],
    [{ en: 'balances', fr: 'soldes' }, evidence?.balance.why],
  ]);
  if (transfer.reason !== null && advice) await io.print(`\n${io.text(advice)}`);
  await io.print(`\n${io.style('bold', io.text({ en: 'What you may do now', fr: 'Ce que vous pouvez faire' }))}`);
  for (const { text, command: line } of next) await io.print(`  ${io.text(text)}${line === null ? '' : `\n    ${line}`}`);
}

function untilOf({ io }: Cli, { state, holdUntil, expiresAt }: Transfer): string | null {
  const parts = [
    ...(state === 'holding' && holdUntil !== null
      ? [io.text({ en: `looked at again by ${showTime(holdUntil)}`, fr: `revu au plus tard à ${showTime(holdUntil)}` })]
      : []),
    ...(expiresAt !== null ? [io.text({ en: `expires ${showTime(expiresAt)}`, fr: `expire ${showTime(expiresAt)}` })] : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

/** The plain facts of a decision; what is nested is in `--json`. */
function factsOf(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
