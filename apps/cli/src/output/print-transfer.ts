import type { Transfer } from '@kpay/admin-client';
import type { Io } from '../framework/io.ts';
import { csvOf } from './csv.ts';
import { showAmount, showTime } from './format.ts';
import { type Column, openTable, printFields } from './table.ts';
import { movedWords, stateWords, styleOf } from './transfer-words.ts';

/** A list of transfers as a table, whose pages come one after the other. */
export function openTransferTable(io: Io): { print(rows: readonly Transfer[]): Promise<void> } {
  const columns: readonly Column<Transfer>[] = [
    { title: { en: 'ID', fr: 'ID' }, value: ({ id }) => id },
    { title: { en: 'STATE', fr: 'ÉTAT' }, value: ({ state }) => io.text(stateWords[state]), style: styleOf },
    {
      title: { en: 'AMOUNT', fr: 'MONTANT' },
      value: ({ amount, currency }) => showAmount(amount, currency, io.language),
      right: true,
    },
    {
      title: { en: 'CORRIDOR', fr: 'CORRIDOR' },
      value: ({ sourceCountry, destinationCountry }) => `${sourceCountry}-${destinationCountry}`,
      spare: 1,
    },
    { title: { en: 'ACCOUNT', fr: 'COMPTE' }, value: ({ account }) => account, spare: 4 },
    { title: { en: 'CREATED', fr: 'CRÉÉ' }, value: ({ createdAt }) => showTime(createdAt), spare: 2 },
    { title: { en: 'EXTERNAL ID', fr: 'ID EXTERNE' }, value: ({ externalId }) => externalId ?? '', cut: true, spare: 3 },
    { title: { en: 'REASON', fr: 'RAISON' }, value: ({ reason }) => reason ?? '', cut: true, spare: 5 },
  ];
  return openTable(io, columns);
}

/** The columns of a transfer in CSV: the fields of the API's answer, in its order. */
const CSV_FIELDS = [
  'id',
  'externalId',
  'account',
  'state',
  'reason',
  'reasonCode',
  'moneyMoved',
  'sourceCountry',
  'destinationCountry',
  'amount',
  'currency',
  'destinationAmount',
  'destinationCurrency',
  'exchangeRate',
  'kpayTransferId',
  'confirmedBy',
  'attempts',
  'replayOf',
  'holdUntil',
  'description',
  'minRate',
  'createdAt',
  'updatedAt',
  'finishedAt',
  'version',
] as const satisfies readonly (keyof Transfer)[];

export function transfersCsv(rows: readonly Transfer[], { head }: { head: boolean }): string {
  return csvOf([...(head ? [CSV_FIELDS] : []), ...rows.map((row) => CSV_FIELDS.map((field) => row[field]))]);
}

/** Everything about one transfer, for people. */
export async function printTransfer(io: Io, transfer: Transfer): Promise<void> {
  const { language } = io;
  const moved = io.text(movedWords[transfer.moneyMoved]);
  const style = styleOf(transfer);
  const state = io.text(stateWords[transfer.state]);
  await io.print(
    `${io.style('bold', showAmount(transfer.amount, transfer.currency, language))}  ${transfer.sourceCountry} → ${transfer.destinationCountry}  ${style === undefined ? state : io.style(style, state)}`,
  );
  await printFields(io, [
    [{ en: 'id', fr: 'id' }, transfer.id],
    [{ en: 'external id', fr: 'id externe' }, transfer.externalId],
    [{ en: 'account', fr: 'compte' }, transfer.account],
    [{ en: 'money moved', fr: 'argent déplacé' }, moved],
    [{ en: 'reason', fr: 'raison' }, transfer.reason],
    [{ en: 'waits until', fr: "attend jusqu'à" }, showTime(transfer.holdUntil)],
    [{ en: 'arrived', fr: 'arrivé' }, showAmount(transfer.destinationAmount, transfer.destinationCurrency, language)],
    [{ en: 'rate', fr: 'taux' }, transfer.exchangeRate],
    [{ en: 'lowest rate', fr: 'taux minimal' }, transfer.minRate],
    [{ en: "KPay's id", fr: 'id de KPay' }, transfer.kpayTransferId],
    [{ en: 'confirmed by', fr: 'confirmé par' }, transfer.confirmedBy],
    [{ en: 'attempts', fr: 'essais' }, String(transfer.attempts)],
    [{ en: 'description', fr: 'description' }, transfer.description],
    [{ en: 'made again from', fr: 'refait depuis' }, transfer.replayOf],
    [{ en: 'not before', fr: 'pas avant' }, showTime(transfer.notBefore)],
    [{ en: 'expires', fr: 'expire' }, showTime(transfer.expiresAt)],
    [{ en: 'created', fr: 'créé' }, showTime(transfer.createdAt)],
    [{ en: 'updated', fr: 'modifié' }, showTime(transfer.updatedAt)],
    [{ en: 'finished', fr: 'terminé' }, showTime(transfer.finishedAt)],
  ]);
}
