import { countries, currenciesOf } from '@kpay/core/catalogue';
import type { z } from 'zod';

const withOneCurrency = countries.filter((country) => currenciesOf(country).length === 1);
const currencies = [...new Set(countries.flatMap(currenciesOf))].sort();

/**
 * Adds the possible countries of a transfer to the document. A country with two currencies is not one, because it does
 * not determine the currency.
 */
export function countryField<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ enum: withOneCurrency, description: 'ISO 3166-1 alpha-3.' });
}

/** Adds the currencies that KPay is known to have to the document. */
export function currencyField<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ enum: currencies, description: 'ISO 4217.' });
}
