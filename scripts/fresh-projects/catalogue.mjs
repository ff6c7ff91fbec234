// What a browser may have: no key, no network, nothing of Node.
import { countries, currencyOf, providers } from '@kpay/core/catalogue';
import { formatAmount, parseAmount } from '@kpay/core/money';

globalThis.shown = `${countries.length} ${providers.length} ${currencyOf('KEN')} ${formatAmount(parseAmount('1500.50', 'KES'))}`;
