import { type KpayAccount, KpayError } from '@kpay/core';
import type { QuoteRow } from '@kpay/ledger';
import {
  type Ledger,
  parseQuoteRequest,
  presentQuote,
  type QuoteRequest,
  quote,
  quoteRequestSchema,
  quoteViewSchema,
} from '@kpay/transfers';
import { requireAccount } from '../auth/rights.ts';
import { countryField } from '../http/known-codes.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { accountParameter } from '../http/parse-query.ts';
import { Problem } from '../problems/problem.ts';
import { orderExample } from './transfers/transfer-order.ts';

const bodySchema = quoteRequestSchema.extend({
  account: accountParameter,
  sourceCountry: countryField(quoteRequestSchema.shape.sourceCountry),
  destinationCountry: countryField(quoteRequestSchema.shape.destinationCountry),
});

export function createQuote({ ledger, accounts }: { ledger: Ledger; accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return describeOperation({
    name: 'createQuote',
    method: 'post',
    path: '/quotes',
    scope: 'transfers:create',
    summary:
      "Get the present rate and a floor. One transfer can be made with the quote's id before it expires; it waits while the rate is below the floor. Nothing is reserved at KPay.",
    body: bodySchema,
    example: orderExample,
    answer: { status: 201, schema: quoteViewSchema },
    problems: ['kpay_unavailable'],
    async handle({ body: { account: name, ...asked }, caller }) {
      const account = requireAccount(accounts, caller, name, 'in the body');
      const request = parseQuoteRequest(asked);
      return { body: presentQuote(await readQuote(ledger, account, request, caller.owner)) };
    },
  });
}

// How long a person waits for a rate.
const PATIENCE_MS = 5_000;

async function readQuote(ledger: Ledger, account: KpayAccount, request: QuoteRequest, by: string): Promise<QuoteRow> {
  try {
    return await quote(ledger, account, request, { by, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    if (!(error instanceof KpayError)) throw error;
    throw new Problem('kpay_unavailable', 'KPay gives no rate now, so no quote can be made.', {
      headers: { 'retry-after': '10' },
      cause: error,
    });
  }
}
