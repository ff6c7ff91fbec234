import { type Case, untried } from '../case.ts';

const why = 'needs a public address and a payment';

/** Contract: "Webhooks from KPay". */
export const webhookCases: readonly Case[] = [
  untried('webhook.signature', 'docs', 'X-KPAY-Signature is the hex HMAC-SHA256 of the raw body.', why),
  untried('webhook.event', 'docs', 'X-KPAY-Event names the event.', why),
  untried('webhook.tries', 'docs', 'Up to three tries of 3 s each, none after a 4xx.', why),
  untried('webhook.completed', 'docs', 'payment.completed means that money arrived in a wallet.', why),
  untried('webhook.transfers', 'docs', 'Transfers have no webhook.', 'an absence cannot be shown'),
];
