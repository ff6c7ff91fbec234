import { exponentOf, type KpayAccount, type ObserveOptions, RejectedError } from '@kpay/core';
import { decimalSchema } from '@kpay/transfers';
import { z } from 'zod';
import { requireAccount } from '../../auth/rights.ts';
import { currencyField } from '../../http/known-codes.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { accountParameter } from '../../http/parse-query.ts';
import { Problem } from '../../problems/problem.ts';
import { observationOf, replyWithObservation } from './observation-reply.ts';
import type { OwnKeys } from './own-keys.ts';

const currency = z
  .string('is required: an ISO 4217 code such as XAF')
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as XAF');
const itemSchema = z.strictObject({ from: z.string(), to: z.string(), rate: decimalSchema }).meta({ id: 'Rate' });
const querySchema = z.strictObject({ account: accountParameter, from: currencyField(currency), to: currencyField(currency) });

export function showRates({ accounts, own }: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys }): Operation {
  return describeOperation({
    name: 'showRates',
    method: 'get',
    path: '/rates',
    scope: 'read',
    summary: 'Show the rate of one pair of currencies, as one item.',
    query: querySchema,
    answer: { status: 200, schema: observationOf(itemSchema) },
    problems: ['not_found', 'kpay_unavailable'],
    async handle({ query, caller }) {
      const { from, to } = query;
      const account = requireAccount(accounts, caller, query.account, 'in the query');
      return replyWithObservation({
        account,
        own,
        what: `the rate from ${from} to ${to}`,
        read: (options) => readRate(account, from, to, options),
        peek: () => account.observations.peekRate(from, to),
        present: (rate) => [rate],
      });
    },
  });
}

async function readRate(account: KpayAccount, from: string, to: string, options: ObserveOptions) {
  // Without this check, any three letters would cost a request to KPay.
  if (exponentOf(from) === undefined || exponentOf(to) === undefined) throw unknownPair(from, to);
  try {
    return await account.observations.rate(from, to, options);
  } catch (error) {
    throw isRefusal(error) ? unknownPair(from, to, error) : error;
  }
}

/** These two statuses answer the question. A 401 or 403 does not, and the last rate is still worth showing. */
function isRefusal(error: unknown): boolean {
  return error instanceof RejectedError && [400, 404].includes(error.status);
}

function unknownPair(from: string, to: string, cause?: unknown): Problem {
  return new Problem('not_found', `KPay knows no rate from ${from} to ${to}.`, { cause });
}
