import {
  type Case,
  expectEach,
  expectStatus,
  fieldAt,
  isNumber,
  isObject,
  listOf,
  movesMoney,
  outcomeOf,
  reads,
  show,
  untried,
} from '../case.ts';
import type { Kpay } from '../kpay.ts';
import { makeTransfer, transferOf } from './transfer-requests.ts';

const askBalance = (kpay: Kpay) => kpay.ask({ method: 'GET', path: '/api/v1/payments/balance' });
const column = (name: string) => (json: unknown) => listOf(json).map((row) => fieldAt(row, name));

function isDifference(row: unknown): boolean {
  const [balance, reserved, available] = ['balance', 'reservedBalance', 'availableBalance'].map((name) =>
    Number(fieldAt(row, name)),
  );
  // Hundredths are the finest unit of any wallet; floats may differ below.
  return Math.abs(Number(balance) - Number(reserved) - Number(available)) < 0.005;
}

function totalOf(json: unknown, currency: string): number {
  const rows = listOf(json).filter((row) => fieldAt(row, 'currency') === currency);
  return rows.reduce<number>((sum, row) => sum + Number(fieldAt(row, 'balance')), 0);
}

/** Contract: "GET /api/v1/payments/balance". */
export const balanceCases: readonly Case[] = [
  reads('balance.status', 'page', 'The answer is 200.', async (kpay) => expectStatus(await askBalance(kpay), 200)),
  reads('balance.list', 'page', 'The answer is a list.', async (kpay) => {
    const { status, json } = await askBalance(kpay);
    return outcomeOf(Array.isArray(json), Array.isArray(json) ? `a list of ${json.length}` : `status ${status}, no list`);
  }),
  reads('balance.currency', 'page', 'currency is an ISO 4217 code.', async (kpay) =>
    expectEach(await askBalance(kpay), column('currency'), (value) => /^[A-Z]{3}$/.test(String(value))),
  ),
  ...['balance', 'reservedBalance', 'availableBalance'].map((name) =>
    reads(`balance.${name}`, 'page', `${name} is a number.`, async (kpay) =>
      expectEach(await askBalance(kpay), column(name), isNumber),
    ),
  ),
  reads('balance.difference', 'page', 'availableBalance is balance less reservedBalance.', async (kpay) =>
    expectEach(await askBalance(kpay), listOf, isDifference),
  ),
  reads('balance.no-country', 'page', 'A row names its currency and no country.', async (kpay) =>
    expectEach(await askBalance(kpay), listOf, (row) => isObject(row) && !Object.hasOwn(row, 'country')),
  ),
  untried('balance.rows', 'inferred', 'Countries of one currency share a row, or come as several.', 'both must work'),
  untried(
    'balance.wallets',
    'docs',
    'Wallets are per country even where the currency is the same.',
    'this endpoint does not show it',
  ),
  movesMoney(
    'balance.same-currency',
    'inferred',
    'A transfer from CMR to GAB leaves the total of XAF as it was.',
    async (kpay) => {
      const before = await askBalance(kpay);
      await makeTransfer(kpay, await transferOf(kpay));
      const after = await askBalance(kpay);
      const [first, second] = [totalOf(before.json, 'XAF'), totalOf(after.json, 'XAF')];
      return outcomeOf(first === second, `${show(first)} before, ${show(second)} after`);
    },
  ),
];
