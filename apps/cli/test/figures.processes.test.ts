import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSimulator, simulatorApiKey, simulatorApplicationId, simulatorSecretKey, type Truth } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import type { TransferView } from '@kpay/transfers';
import { expect, it, onTestFinished } from 'vitest';
import { getJson, getTransfer, postTransfer } from './ask-api.ts';
import { type RunningKpay, startKpay } from './start-kpay.ts';

// `west` has little money, so that the other account's figures cannot be mistaken for its own.
const west = {
  apiKey: 'kpay_test_west',
  secretKey: 'west-secret',
  id: '7d1f4c2e-9b7a-4f3b-8a6d-2c5e1f0b9a11',
  wallets: [
    { country: 'CMR', balance: 400_000 },
    { country: 'GAB', balance: 1_000 },
    { country: 'SEN', balance: 0 },
  ],
};
const applications = { default: simulatorApplicationId, west: west.id };
const accountsFile = {
  accounts: [
    { name: 'default', apiKey: simulatorApiKey, secretKey: simulatorSecretKey },
    { name: 'west', apiKey: west.apiKey, secretKey: west.secretKey },
  ],
};

const withinXaf = { externalId: 'a', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const toXof = { externalId: 'b', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

it('API, metrics and KPay show the same figures, for two accounts at once', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  simulator.control.addApplication(west);
  const before = walletsOf(simulator.control.truth());
  const accountsPath = join(folder.path, 'accounts.json');
  writeFileSync(accountsPath, JSON.stringify(accountsFile));

  const kpay = await startKpay({
    KPAY_DATA_DIR: join(folder.path, 'data'),
    KPAY_ACCOUNTS_FILE: accountsPath,
    KPAY_BASE_URL: simulator.url,
    KPAY_RATE_PAIRS: 'XAF:XOF',
    KPAY_OBSERVE_BALANCE_SECONDS: '1',
  });
  // The same ids in both accounts, because an id belongs only to its account.
  const orders = [withinXaf, toXof, { ...withinXaf, account: 'west' }, { ...toXof, account: 'west' }];
  const posted = await Promise.all(orders.map((order) => postTransfer(kpay.apiUrl, order)));
  const transfers = await Promise.all(posted.map(({ id }) => succeeded(kpay, id)));

  const truth = simulator.control.truth();
  expect(transfers.map(figuresOf)).toEqual([
    { account: 'default', amount: '50000', destinationAmount: '50000', rate: 1 },
    { account: 'default', amount: '100000', destinationAmount: '101530', rate: 1.0153 },
    { account: 'west', amount: '50000', destinationAmount: '50000', rate: 1 },
    { account: 'west', amount: '100000', destinationAmount: '101530', rate: 1.0153 },
  ]);
  const atKpay = new Map(truth.transfers.map((each) => [each.id, each]));
  expect(atKpay.size).toBe(4);
  for (const transfer of transfers) {
    const found = atKpay.get(transfer.kpayTransferId ?? '');
    const account = found?.applicationId === west.id ? 'west' : 'default';
    expect({ account, amount: found?.amount, destinationAmount: found?.destinationAmount, rate: found?.exchangeRate }).toEqual(
      figuresOf(transfer),
    );
  }

  for (const applicationId of Object.values(applications)) {
    expect(movedIn(applicationId, before, walletsOf(truth))).toEqual({ CMR: -150_000, GAB: 50_000, SEN: 101_530 });
  }
  expect(truth.money).toEqual({ conserved: true, problems: [] });

  await eventually(
    async () => {
      const metrics = await readMetrics(kpay.exporterUrl);
      for (const [name, id] of Object.entries(applications)) {
        const atKpayNow = sumByCurrency(id, walletsOf(simulator.control.truth()));
        for (const currency of ['XAF', 'XOF']) {
          const labels = `{account="${name}",currency="${currency}"}`;
          expect(metrics.get(`kpay_wallet_balance${labels}`)).toBe(atKpayNow.get(currency));
          expect(metrics.get(`kpay_wallet_available_balance${labels}`)).toBe(atKpayNow.get(currency));
        }
        expect(metrics.get(`kpay_exchange_rate{account="${name}",from="XAF",to="XOF"}`)).toBe(1.0153);
      }
    },
    { timeoutMs: 15_000, everyMs: 200 },
  );
  const shown = await getJson<{ items: { currency: string; balance: string }[] }>(`${kpay.apiUrl}/v1/balances?account=west`);
  expect(shown.items).toEqual(expect.arrayContaining([expect.objectContaining({ currency: 'XAF', balance: '301000' })]));

  await eventually(
    async () => {
      const counted = await readMetrics(kpay.workerUrl);
      for (const name of Object.keys(applications)) {
        expect(counted.get(`kpay_transfers_finished_total{account="${name}",state="succeeded"}`)).toBe(2);
        expect(counted.get(`kpay_sends_total{account="${name}",outcome="succeeded"}`)).toBe(2);
        expect(counted.get(`kpay_transfers{account="${name}",state="succeeded"}`)).toBe(2);
      }
    },
    // Ended transfers are counted less often when counting is slow.
    { timeoutMs: 40_000, everyMs: 200 },
  );
  expect(await kpay.end('SIGINT')).toEqual({ code: 0, signal: null });
});

it('simulator and budget of kpay up allow what KPAY_RATE_LIMIT_PER_MINUTE says', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const kpay = await startKpay({ KPAY_DATA_DIR: folder.path, KPAY_RATE_LIMIT_PER_MINUTE: '12' });
  await eventually(async () =>
    expect((await readMetrics(kpay.exporterUrl)).get('kpay_api_budget_limit{account="default"}')).toBe(12),
  );
  const headers = { 'x-api-key': simulatorApiKey, 'x-secret-key': simulatorSecretKey };
  const statuses = [];
  for (let asked = 0; asked < 13; asked += 1) {
    statuses.push((await fetch(`${kpay.simulatorUrl}/api/v1/payments/me`, { headers })).status);
  }
  expect([...new Set(statuses)]).toEqual([200, 429]);
}, 60_000);

async function succeeded(kpay: RunningKpay, id: string): Promise<TransferView> {
  return eventually(
    async () => {
      const transfer = await getTransfer(kpay.apiUrl, id);
      expect(transfer.state).toBe('succeeded');
      return transfer;
    },
    { timeoutMs: 15_000 },
  );
}

function figuresOf({ account, amount, destinationAmount, exchangeRate }: TransferView) {
  return { account, amount, destinationAmount, rate: Number(exchangeRate) };
}

type Wallets = ReadonlyMap<string, { applicationId: string; country: string; currency: string; balance: number }>;

function walletsOf({ wallets }: Truth): Wallets {
  return new Map(
    wallets.map((each) => [`${each.applicationId} ${each.country} ${each.currency}`, { ...each, balance: Number(each.balance) }]),
  );
}

/** The wallets of an application that changed, and by how much. */
function movedIn(applicationId: string, before: Wallets, after: Wallets): Record<string, number> {
  const changes = [...after]
    .filter(([, wallet]) => wallet.applicationId === applicationId)
    .map(([key, wallet]) => [wallet.country, wallet.balance - (before.get(key)?.balance ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

function sumByCurrency(applicationId: string, wallets: Wallets): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const wallet of wallets.values()) {
    if (wallet.applicationId === applicationId) sums.set(wallet.currency, (sums.get(wallet.currency) ?? 0) + wallet.balance);
  }
  return sums;
}

/** Every series and its value, from the text format. */
async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
