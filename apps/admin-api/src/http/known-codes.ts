import { countries, currenciesOf } from '@kpay/core/catalogue';
import type { z } from 'zod';

const withOneCurrency = countries.filter((country) => currenciesOf(country).length === 1);
const currencies = [...new Set(countries.flatMap(currenciesOf))].sort();

/** A country of a transfer, with those in the document that it can have: one with two currencies says too little. */
export function countryField<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ enum: withOneCurrency, description: 'ISO 3166-1 alpha-3.' });
}

/** A currency, with those in the document that KPay is known to have. */
export function currencyField<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ enum: currencies, description: 'ISO 4217.' });
}
