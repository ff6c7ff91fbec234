// Each of KPay's seven endpoints in TypeScript, checked without skipLibCheck where the compiler is young enough.
import { type CallOptions, Kpay, KpayError, type Me, type TransferReceipt, type WalletBalance } from '@kpay/core';
import { countries } from '@kpay/core/catalogue';
import { OutcomeUnknownError, RejectedError } from '@kpay/core/errors';
import { formatAmount, type Money, parseAmount } from '@kpay/core/money';
import { createRedisStores } from '@kpay/core/redis';
import type { Redis } from 'ioredis';
import type { Redis as Redis5 } from 'ioredis5';

// Clients of both majors fit; nothing connects here.
export const stores = (redis: Redis | Redis5) => createRedisStores({ redis });

async function pay(options: CallOptions): Promise<void> {
  const kpay = new Kpay();
  const me: Me = await kpay.me(options);
  const wallets: WalletBalance[] = await kpay.balance();
  const countriesNow = await kpay.availability();
  const { rate } = await kpay.exchangeRate('XAF', 'XOF');
  const { provider } = await kpay.predictProvider('237653456789');
  const token: string = await kpay.accessToken();
  const amount: Money = parseAmount('50000', 'XAF');
  const fields = { sourceCountry: 'CMR', destinationCountry: 'SEN', amount, externalId: `fresh-${process.pid}` };
  const receipt: TransferReceipt = await kpay.transfer(fields);
  const refusal: unknown = await kpay.transfer(fields).catch((error: unknown) => error);
  await kpay.close();
  const known = refusal instanceof RejectedError && !(refusal instanceof OutcomeUnknownError) ? refusal.status : undefined;
  const seen = [me.application.name, wallets[0]?.currency, (countriesNow[0]?.providers.length ?? 0) > 0, rate, provider];
  const refused = [refusal instanceof KpayError, refusal instanceof RejectedError, known];
  const others = [countries.length, formatAmount(parseAmount('1500.50', 'KES')), typeof createRedisStores];
  console.log(JSON.stringify([...seen, token.length > 20, receipt.exchangeRate, ...refused, ...others]));
}

void pay({ maxWaitMs: 5_000 });
