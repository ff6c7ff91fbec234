import type { KpayAccount } from '@kpay/core';

export interface Running {
  apiUrl: string;
  exporterUrl: string;
  workerUrl: string;
  /** Undefined when a real KPay is used. */
  simulatorUrl: string | undefined;
  accounts: ReadonlyMap<string, KpayAccount>;
  adminToken: string;
  /** It is the operator's own, so that it is shown to nobody. */
  isTokenGiven: boolean;
  dataDir: string;
}

/** Tells where everything is. */
export function printAddresses(running: Running): void {
  const { apiUrl, exporterUrl, workerUrl, simulatorUrl, accounts, dataDir } = running;
  const kpay = [...accounts.values()].map(({ name, baseUrl, environment }) => `${name} (${environment}, ${baseUrl})`).join(', ');
  const lines = [
    '',
    simulatorUrl ? 'kpay is up. No key is set, so it talks to a simulated KPay: no real money moves.' : 'kpay is up.',
    '',
    `  Admin API   ${apiUrl}/v1/transfers`,
    `  Reference   ${apiUrl}/docs   the API, to read and try in a browser`,
    `  Queues      ${apiUrl}/queues   for a browser: any name, the token as password`,
    `  Metrics     ${exporterUrl}/metrics   operators, balances, rates`,
    `              ${workerUrl}/metrics   transfers, queue`,
    `              ${apiUrl}/metrics   requests to the API`,
    `  Accounts    ${kpay}`,
    ...(simulatorUrl ? [`  Simulator   ${simulatorUrl}/__sim`] : []),
    `  Data        ${dataDir}`,
    `  Token       ${running.isTokenGiven ? 'as set (KPAY_ADMIN_TOKEN)' : running.adminToken}`,
  ];
  console.log(lines.join('\n'));
}

/** Tells the line that makes a transfer. */
export function printFirstSteps({ apiUrl, adminToken, isTokenGiven }: Running): void {
  const bearer = isTokenGiven ? `"authorization: Bearer $KPAY_ADMIN_TOKEN"` : `'authorization: Bearer ${adminToken}'`;
  const lines = [
    '',
    'Make a transfer of 50,000 XAF from Cameroon to Gabon:',
    '',
    `  curl -s ${apiUrl}/v1/transfers -H ${bearer} -H 'content-type: application/json' \\`,
    `    -d '{"externalId":"first-1","sourceCountry":"CMR","destinationCountry":"GAB","amount":50000}'`,
    '',
    'Ctrl-C stops it.',
  ];
  console.log(lines.join('\n'));
}
