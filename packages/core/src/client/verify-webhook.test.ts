import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { verifyWebhook } from './verify-webhook.ts';

const SECRET = 'whsec-of-the-dashboard';
const BODY = '{"event":"payment.completed","paymentId":"p1","amount":5000,"message":"reçu"}';
const SIGNATURE = createHmac('sha256', SECRET).update(BODY).digest('hex');

it.each([
  ['text', BODY, SIGNATURE],
  ['bytes', Buffer.from(BODY), SIGNATURE],
  ['a plain Uint8Array', new TextEncoder().encode(BODY), SIGNATURE],
  ['text, with the signature in capitals', BODY, SIGNATURE.toUpperCase()],
])('a body as %s is genuine', (_as, body, signature) => {
  expect(verifyWebhook(body, signature, SECRET)).toBe(true);
});

it('a signature that was made by another program is genuine', () => {
  // printf 'hello' | openssl dgst -sha256 -hmac key
  const known = '9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b';
  expect(verifyWebhook('hello', known, 'key')).toBe(true);
});

it.each([
  ['another body', `${BODY} `, SIGNATURE, SECRET],
  ['another secret', BODY, SIGNATURE, 'another'],
  ['no header', BODY, undefined, SECRET],
  ['a header that is null', BODY, null, SECRET],
  ['an empty header', BODY, '', SECRET],
  ['two headers', BODY, [SIGNATURE, SIGNATURE], SECRET],
  ['a cut signature', BODY, SIGNATURE.slice(0, 62), SECRET],
  ['a longer one', BODY, `${SIGNATURE}00`, SECRET],
  ['one that is not hex', BODY, `${SIGNATURE.slice(0, 62)}zz`, SECRET],
  ['one with a prefix', BODY, `sha256=${SIGNATURE}`, SECRET],
  ['a line break behind it', BODY, `${SIGNATURE}\n`, SECRET],
  ['the secret in plain text', BODY, SECRET, SECRET],
  ['one bit less', BODY, (SIGNATURE[0] === '0' ? '1' : '0') + SIGNATURE.slice(1), SECRET],
])('%s is not genuine', (_what, body, signature, secret) => {
  expect(verifyWebhook(body, signature, secret)).toBe(false);
});

it.each([undefined, null, '', 5])('a secret of %j is refused by name: anybody could sign with an empty one', (secret) => {
  expect(() => verifyWebhook(BODY, SIGNATURE, secret as string)).toThrow(/^secret must be the webhook secret/);
});

it.each([undefined, null, { event: 'payment.completed' }, 5])('a body of %j is refused by name', (body) => {
  expect(() => verifyWebhook(body as unknown as string, SIGNATURE, SECRET)).toThrow(/^rawBody must be the text or the bytes/);
});
