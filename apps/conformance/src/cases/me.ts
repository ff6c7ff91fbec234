import { type Case, expectField, expectStatus, isText, isUuid, oneOf, reads } from '../case.ts';
import type { Kpay } from '../kpay.ts';

const askMe = (kpay: Kpay) => kpay.ask({ method: 'GET', path: '/api/v1/payments/me' });

/** Contract: "GET /api/v1/payments/me". */
export const meCases: readonly Case[] = [
  reads('me.status', 'page', 'The answer is 200.', async (kpay) => expectStatus(await askMe(kpay), 200)),
  reads('me.application.id', 'page', 'application.id is a UUID.', async (kpay) =>
    expectField(await askMe(kpay), 'application.id', isUuid),
  ),
  reads('me.application.name', 'page', 'application.name is a text.', async (kpay) =>
    expectField(await askMe(kpay), 'application.name', isText),
  ),
  reads('me.company.id', 'page', 'company.id is a UUID.', async (kpay) => expectField(await askMe(kpay), 'company.id', isUuid)),
  reads('me.company.name', 'page', 'company.name is a text.', async (kpay) =>
    expectField(await askMe(kpay), 'company.name', isText),
  ),
  reads('me.environment', 'page', 'environment is TEST or PRODUCTION.', async (kpay) =>
    expectField(await askMe(kpay), 'environment', oneOf('TEST', 'PRODUCTION')),
  ),
  reads('me.environment-live', 'wild', 'A live key can get LIVE instead of PRODUCTION.', async (kpay) =>
    kpay.environment === 'TEST'
      ? { kind: 'not tried', why: 'needs a live key' }
      : expectField(await askMe(kpay), 'environment', oneOf('LIVE', 'PRODUCTION')),
  ),
];
