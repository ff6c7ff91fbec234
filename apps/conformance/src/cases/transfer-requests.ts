import { type Answer, type Kpay, NotReady } from '../kpay.ts';

export const transferPath = '/api/wallets/transfer';

export type TransferFields = Record<string, unknown>;

/** The documented minimum, within one currency, so that a run costs as little as possible. */
export const amount = 100;

/** A transfer from CMR to GAB, with `changes`. A field that they set to undefined is left out. */
export async function transferOf(kpay: Kpay, changes: TransferFields = {}): Promise<TransferFields> {
  const { applicationId } = await kpay.grant();
  const externalId = kpay.freshExternalId();
  return { applicationId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount, externalId, ...changes };
}

/** A transfer to the country that already holds the money, for requests that KPay must refuse before anything else. */
export function cannotMove(kpay: Kpay): Promise<TransferFields> {
  return transferOf(kpay, { destinationCountry: 'CMR' });
}

export async function sendTransfer(kpay: Kpay, body: TransferFields): Promise<Answer> {
  const { accessToken } = await kpay.grant();
  return kpay.send({ method: 'POST', path: transferPath, headers: { authorization: `Bearer ${accessToken}` }, body });
}

/**
 * Makes a transfer to get its receipt. @throws NotReady when KPay refuses it, because then there is no receipt to test.
 */
export async function makeTransfer(kpay: Kpay, body: TransferFields): Promise<Answer> {
  const answer = await sendTransfer(kpay, body);
  if (answer.status < 200 || answer.status > 299) throw new NotReady(`the transfer was answered ${answer.status}`);
  return answer;
}
