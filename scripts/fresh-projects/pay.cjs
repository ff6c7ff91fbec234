// Each of KPay's seven endpoints, as JavaScript that requires.
const { Kpay, KpayError } = require('@kpay/core');
const { countries } = require('@kpay/core/catalogue');
const { RejectedError } = require('@kpay/core/errors');
const { formatAmount, parseAmount } = require('@kpay/core/money');
const { createRedisStores } = require('@kpay/core/redis');

async function pay() {
  const kpay = new Kpay();
  const { application } = await kpay.me();
  const [wallet] = await kpay.balance();
  const [{ providers }] = await kpay.availability();
  const { rate } = await kpay.exchangeRate('XAF', 'XOF');
  const { provider } = await kpay.predictProvider('237653456789');
  const token = await kpay.accessToken();
  const fields = {
    sourceCountry: 'CMR',
    destinationCountry: 'SEN',
    amount: '50000',
    externalId: `fresh-${process.pid}`,
  };
  const receipt = await kpay.transfer(fields);
  const refusal = await kpay.transfer(fields).catch((error) => error);
  await kpay.close();
  const seen = [application.name, wallet.currency, providers.length > 0, rate, provider, token.length > 20, receipt.exchangeRate];
  const refused = [refusal instanceof KpayError, refusal instanceof RejectedError, refusal.status];
  const others = [countries.length, formatAmount(parseAmount('1500.50', 'KES')), typeof createRedisStores];
  console.log(JSON.stringify([...seen, ...refused, ...others]));
}

pay();
