import { randomUUID } from 'node:crypto';
import { type Case, expectStatus, fieldAt, listOf, movesMoney, untried } from '../case.ts';
import type { Kpay } from '../kpay.ts';
import { makeTransfer, sendTransfer, type TransferFields, transferOf } from './transfer-requests.ts';

const minimum = 100;
const maximum = 10_000_000;

/** Countries that are the only one with their currency, so that the balance shows their wallet. */
const aloneInCurrency: Readonly<Record<string, string>> = { KES: 'KEN', RWF: 'RWA', UGX: 'UGA' };

function refused(name: string, fact: string, status: number, changes: TransferFields): Case {
  return movesMoney(`transfer.${name}`, 'docs', fact, async (kpay) =>
    expectStatus(await sendTransfer(kpay, await transferOf(kpay, changes)), status),
  );
}

/** A country whose wallet has less than the largest transfer, and an amount above it. */
async function findShortWallet(kpay: Kpay): Promise<{ sourceCountry: string; amount: number } | undefined> {
  const { json } = await kpay.ask({ method: 'GET', path: '/api/v1/payments/balance' });
  for (const [currency, sourceCountry] of Object.entries(aloneInCurrency)) {
    const rows = listOf(json).filter((row) => fieldAt(row, 'currency') === currency);
    const available = rows.reduce<number>((sum, row) => sum + Number(fieldAt(row, 'availableBalance')), 0);
    const amount = Math.max(minimum, Math.ceil(available) + 1);
    if (rows.length > 0 && amount <= maximum) return { sourceCountry, amount };
  }
  return undefined;
}

/** Contract: "POST /api/wallets/transfer", what is asked and what is refused. */
export const transferCases: readonly Case[] = [
  movesMoney('transfer.status', 'docs', 'A transfer is answered 201.', async (kpay) => {
    const answer = await sendTransfer(kpay, await transferOf(kpay));
    // Without wallets, or money in them, an account shows nothing about transfers.
    if ([404, 422].includes(answer.status)) return { kind: 'not tried', why: `needs 100 XAF in CMR: status ${answer.status}` };
    return expectStatus(answer, 201);
  }),
  movesMoney('transfer.page-body', 'page', 'A Bearer token and four fields are enough.', async (kpay) =>
    expectStatus(await makeTransfer(kpay, await transferOf(kpay, { externalId: undefined })), 201),
  ),
  movesMoney('transfer.description', 'docs', 'A description is accepted.', async (kpay) =>
    expectStatus(await makeTransfer(kpay, await transferOf(kpay, { description: 'conformance' })), 201),
  ),
  movesMoney('transfer.company-id', 'page', 'The id of the company is not taken for that of the application.', async (kpay) => {
    const { companyId } = await kpay.grant();
    return expectStatus(await sendTransfer(kpay, await transferOf(kpay, { applicationId: companyId })), 400, 403, 404);
  }),
  refused('same-country', 'Within a country it is refused with 400.', 400, { destinationCountry: 'CMR' }),
  refused('minimum', 'An amount below 100 is refused with 400.', 400, { amount: minimum - 1 }),
  refused('maximum', 'An amount above 10,000,000 is refused with 400.', 400, { amount: maximum + 1 }),
  refused('application-missing', 'Without applicationId it is refused with 400.', 400, { applicationId: undefined }),
  refused('application-foreign', "Somebody else's application is refused with 403.", 403, { applicationId: randomUUID() }),
  refused('no-wallet', 'A country without a wallet is refused with 404.', 404, { sourceCountry: 'FRA' }),
  movesMoney('transfer.funds', 'docs', 'More than the wallet has is refused with 422.', async (kpay) => {
    const short = await findShortWallet(kpay);
    if (!short) return { kind: 'not tried', why: 'every wallet has more than the largest transfer' };
    return expectStatus(await sendTransfer(kpay, await transferOf(kpay, short)), 422);
  }),
  movesMoney('transfer.external-id', 'docs', 'An externalId that an active transfer holds is refused with 409.', async (kpay) => {
    const body = await transferOf(kpay);
    await makeTransfer(kpay, body);
    return expectStatus(await sendTransfer(kpay, body), 409);
  }),
  untried('transfer.external-id-reuse', 'docs', 'A used id is free again after FAILED or CANCELLED.', 'transfers show no status'),
  untried('transfer.external-id-memory', 'inferred', 'KPay remembers an id for 24 hours or more.', 'would take a day'),
  untried(
    'transfer.unknown-outcome',
    'inferred',
    'After a timeout the same id says whether it happened.',
    'KPay cannot be made to time out',
  ),
  untried('transfer.lookup', 'docs', 'No endpoint shows, lists or finds transfers.', 'an absence cannot be shown by requests'),
  untried('transfer.zones', 'docs', 'SLE and ZMB are in no documented zone of transfers.', 'KPay decides; nothing depends on it'),
];
