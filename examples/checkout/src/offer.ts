import type { Kpay, Money } from '@kpay/core';
import { currencyOf } from '@kpay/core/catalogue';
import { convert } from '@kpay/core/money';

/** What the page shows before somebody pays. */
export interface Offer {
  provider: string;
  /** Whether the operator takes payments now. Another status than CLOSED is no reason to turn somebody away. */
  enabled: boolean;
  /** The price in the payer's currency, by the rate of this moment: an estimate, because KPay rounds the rates that it shows. */
  price: Money;
}

/** Finds the operator of a phone number, whether it works, and what a price is in the currency of its country. */
export async function offerFor(kpay: Kpay, phoneNumber: string, price: Money): Promise<Offer> {
  const { country, provider } = await kpay.predictProvider(phoneNumber);
  const currency = currencyOf(country);
  const [availability, { rate }] = await Promise.all([kpay.availability(), kpay.exchangeRate(price.currency, currency)]);
  const operator = availability.find((each) => each.country === country)?.providers.find((each) => each.provider === provider);
  const deposits = operator?.operationTypes.find((each) => each.operationType === 'DEPOSIT');
  return { provider, enabled: deposits?.status !== 'CLOSED', price: convert(price, rate, currency) };
}
