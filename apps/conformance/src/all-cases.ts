import type { Case } from './case.ts';
import { availabilityCases } from './cases/availability.ts';
import { balanceCases } from './cases/balance.ts';
import { clientCases } from './cases/client.ts';
import { everywhereCases } from './cases/everywhere.ts';
import { exchangeRateCases } from './cases/exchange-rate.ts';
import { meCases } from './cases/me.ts';
import { predictProviderCases } from './cases/predict-provider.ts';
import { tokenCases } from './cases/token.ts';
import { transferCases } from './cases/transfer.ts';
import { transferReceiptCases } from './cases/transfer-receipt.ts';
import { webhookCases } from './cases/webhooks.ts';

/** Every fact of the contract, in its order. */
export const allCases: readonly Case[] = [
  ...everywhereCases,
  ...meCases,
  ...tokenCases,
  ...exchangeRateCases,
  ...predictProviderCases,
  ...availabilityCases,
  ...balanceCases,
  ...transferCases,
  ...transferReceiptCases,
  ...clientCases,
  ...webhookCases,
];
