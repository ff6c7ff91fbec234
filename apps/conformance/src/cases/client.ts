import { type CallOptions, type Drift, type KpayClient, KpayError, parseAmount } from '@kpay/core';
import { type Case, type CaseOutcome, movesMoney, outcomeOf, reads } from '../case.ts';
import type { Kpay } from '../kpay.ts';
import { amount } from './transfer-requests.ts';

/** Our client's reading of an answer: it must be able to parse it, and find nothing unknown in it. */
async function ask(kpay: Kpay, call: (client: KpayClient, options: CallOptions) => Promise<unknown>): Promise<CaseOutcome> {
  const drifts: Drift[] = [];
  const account = await kpay.openClient((drift) => drifts.push(drift));
  try {
    await call(account.client, { lane: 'people' });
    return outcomeOf(
      drifts.length === 0,
      drifts.map(({ path, kind }) => `${kind} ${path}`).join(', ') || 'read, nothing unknown',
    );
  } catch (error) {
    if (!(error instanceof KpayError)) throw error;
    // A refusal or an outage shows nothing about how we read answers.
    if (!isUnreadable(error)) return { kind: 'not tried', why: error.message };
    return outcomeOf(false, error.message);
  } finally {
    await account.close();
  }
}

function isUnreadable(error: KpayError): boolean {
  return 'reason' in error && error.reason === 'unreadable';
}

/** Drift: what our parser expects of each endpoint beyond the documented facts. */
export const clientCases: readonly Case[] = [
  reads('client.me', 'inferred', 'Our client reads it whole.', (kpay) => ask(kpay, (client, options) => client.me(options))),
  reads('client.token', 'inferred', 'Our client reads it whole.', (kpay) =>
    ask(kpay, (client, options) => client.accessToken(options)),
  ),
  reads('client.exchange-rate', 'inferred', 'Our client reads it whole.', (kpay) =>
    ask(kpay, (client, options) => client.exchangeRate('XAF', 'XOF', options)),
  ),
  reads('client.predict-provider', 'inferred', 'Our client reads it whole.', (kpay) =>
    ask(kpay, (client, options) => client.predictProvider('237653456789', options)),
  ),
  reads('client.availability', 'inferred', 'Our client reads it whole.', (kpay) =>
    ask(kpay, (client, options) => client.availability(options)),
  ),
  reads('client.balance', 'inferred', 'Our client reads it whole.', (kpay) =>
    ask(kpay, (client, options) => client.balance(options)),
  ),
  movesMoney('client.transfer', 'inferred', 'Our client reads it whole.', async (kpay) => {
    const { applicationId } = await kpay.grant();
    const fields = { applicationId, sourceCountry: 'CMR', destinationCountry: 'GAB', externalId: kpay.freshExternalId() };
    return ask(kpay, (client, options) => client.transfer({ ...fields, amount: parseAmount(amount, 'XAF') }, options));
  }),
];
