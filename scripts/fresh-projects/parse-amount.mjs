import { parseAmount } from '@kpay/core';

console.log(parseAmount('1500.50', 'KES').amountMinor);
