import { createHmac, timingSafeEqual } from 'node:crypto';
import { kindOf } from '../arguments.ts';
import { InvalidArgumentError } from '../errors.ts';

const HEX_SHA256 = /^[0-9a-f]{64}$/i;

/**
 * Whether a webhook's `X-KPAY-Signature` is the hex HMAC-SHA256 of its raw body under the webhook secret, compared in
 * constant time. Anything else, a missing header included, is false; answer 401 then and do nothing.
 *
 * **How sure this is:** KPay's documentation says so (read in November 2026); its "Utilities" page does not speak of
 * webhooks, and nobody here has seen one from the live service. KPay sends webhooks for payments, payouts and refunds, none
 * for transfers between wallets.
 *
 * **What it cannot tell:** the signature covers the body alone, with no time and no event id. A recorded request stays valid
 * for ever, so make what you do with an event happen once, by its payment id and event. `X-KPAY-Event` is not covered: read
 * the event from the body.
 *
 * @param rawBody the bytes as they came, before any JSON parser: `express.raw({ type: '*\/*' })`, `await request.text()`.
 * @param signature the header's value; undefined when there is none.
 * @param secret the webhook secret of KPay's dashboard, which is not the API secret.
 * @throws InvalidArgumentError when the secret is empty, or the body was parsed already.
 */
export function verifyWebhook(
  rawBody: string | Uint8Array,
  signature: string | readonly string[] | null | undefined,
  secret: string,
): boolean {
  if (typeof secret !== 'string' || secret === '') {
    throw new InvalidArgumentError(
      'secret',
      "must be the webhook secret of KPay's dashboard: anybody could sign with an empty one",
    );
  }
  if (typeof rawBody !== 'string' && !(rawBody instanceof Uint8Array)) {
    throw new InvalidArgumentError(
      'rawBody',
      `must be the text or the bytes as they came, before any JSON parser, not ${kindOf(rawBody)}`,
    );
  }
  // Two signatures would leave open which one holds.
  if (typeof signature !== 'string' || !HEX_SHA256.test(signature)) return false;
  const expected = createHmac('sha256', secret).update(rawBody).digest();
  return timingSafeEqual(Buffer.from(signature, 'hex'), expected);
}
