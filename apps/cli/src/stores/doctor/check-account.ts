import { type KpayAccount, RejectedError } from '@kpay/core';
import type { Ledger } from '@kpay/transfers';
import type { Finding } from './finding.ts';

const ASK_WITHIN_MS = 10_000;

/** Whether KPay knows an account's keys, as what the settings and the ledger say. One request, in the lane of people. */
export async function checkAccount(account: KpayAccount, ledger: Ledger | undefined): Promise<Finding> {
  const check = `account ${account.name}`;
  try {
    const me = await account.client.me({ lane: 'people', signal: AbortSignal.timeout(ASK_WITHIN_MS) });
    if (me.environment !== account.environment) {
      return {
        check,
        verdict: 'wrong',
        what: `its keys are for ${me.environment}, and its settings say ${account.environment}`,
        fix: `set KPAY_ENVIRONMENT=${me.environment}, or use the keys of ${account.environment}`,
      };
    }
    const pin = await ledger?.db.selectFrom('kpay.accounts').selectAll().where('name', '=', account.name).executeTakeFirst();
    const differences = pin
      ? [
          ['application', pin.application_id, me.application.id],
          ['environment', pin.environment, me.environment],
          ['address', pin.base_url, account.baseUrl],
        ].filter(([, known, now]) => known !== now)
      : [];
    if (differences.length > 0) {
      const list = differences.map(([what, known, now]) => `${what} ${known}, now ${now}`).join('; ');
      return {
        check,
        verdict: 'wrong',
        what: `it belongs to another KPay in this ledger (${list}): nothing is sent for it`,
        fix: 'restore its settings, or give the new keys another account name',
      };
    }
    return {
      check,
      verdict: 'good',
      what: `${me.environment}, application ${me.application.id}${pin ? '' : ', not pinned yet'}`,
    };
  } catch (error) {
    if (error instanceof RejectedError) {
      return {
        check,
        verdict: 'wrong',
        what: `KPay refuses its keys (${error.status})`,
        fix: 'check its API key and secret key in KPay’s dashboard',
      };
    }
    const why = error instanceof Error ? error.message : String(error);
    return {
      check,
      verdict: 'wrong',
      what: `KPay gave no usable answer (${why})`,
      fix: `curl -sv ${account.baseUrl}/api/v1/payments/me`,
    };
  }
}
