import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator } from '@kpay/simulator';
import { eventually, freePort, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { startAlertReceiver } from './alerts/alert-receiver.ts';
import { query } from './alerts/prometheus-query.ts';
import { programOf, startAlertmanager, startPrometheus } from './alerts/scaled-prometheus.ts';
import { getTransfer, postTransfer } from './ask-api.ts';
import { adminToken, runKpay, settingsFor } from './start-kpay.ts';

// A real Prometheus and a real Alertmanager run on the files of docker/. The rules' minutes pass in seconds: npm run
// test:alerts.

const SCRAPERS = 9;
const COUNTED_MS = 8_000;
const BUDGET_WINDOW_S = 20;
const LIMIT = 100;
const UP_WITHIN_MS = 120_000;

const order = (externalId: string, more: object = {}) => ({
  externalId,
  sourceCountry: 'CMR',
  destinationCountry: 'SEN',
  amount: 50_000,
  ...more,
});

it('the person on call hears of each thing that goes wrong, and that it is over', { timeout: 600_000 }, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const simulator = await createSimulator({ port: 0, limit: LIMIT, windowMs: BUDGET_WINDOW_S * 1_000, caching: false });
  onTestFinished(() => simulator.close());
  const { control } = simulator;
  // Closed by default, and a second alert of the same kind.
  control.setAvailability({ country: 'ZMB', provider: 'ZAMTEL_ZMB', operationType: 'PAYOUT', status: 'OPERATIONAL' });
  const [apiPort, exporterPort, workerPort] = [await freePort(), await freePort(), await freePort()];
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const exporterUrl = `http://127.0.0.1:${exporterPort}`;
  const settings = {
    ...settingsFor(simulator, folder.path),
    ADMIN_API_PORT: String(apiPort),
    EXPORTER_PORT: String(exporterPort),
    WORKER_PORT: String(workerPort),
    KPAY_OBSERVE_BALANCE_SECONDS: '1',
    KPAY_OBSERVE_AVAILABILITY_SECONDS: '2',
    KPAY_RATE_LIMIT_PER_MINUTE: String(LIMIT),
    KPAY_BUDGET_WINDOW_SECONDS: String(BUDGET_WINDOW_S),
    KPAY_WORKER_CONCURRENCY: '60',
  };
  const startKpay = async () => {
    const kpay = runKpay(['up'], settings);
    await eventually(() => expect(kpay.stdout(), kpay.stderr()).toContain('Ctrl-C stops it'), { timeoutMs: UP_WITHIN_MS });
    return kpay;
  };
  const kpay = await startKpay();
  const requests = () => control.truth().requestCounts.total;
  /** How many requests KPay gets in a period. */
  const countRequests = async () => {
    const before = requests();
    await delay(COUNTED_MS);
    return requests() - before;
  };

  // Compares an idle exporter with one that ten Prometheus servers scrape: a real one, and nine that only scrape.
  const idle = await countRequests();
  const receiver = await startAlertReceiver();
  onTestFinished(receiver.close);
  const alertmanager = await startAlertmanager(receiver.url);
  onTestFinished(alertmanager.stop);
  const targets = {
    'kpay-exporter': exporterUrl,
    'kpay-worker': `http://127.0.0.1:${workerPort}`,
    'kpay-admin-api': apiUrl,
  };
  const prometheus = await startPrometheus(targets, new URL(alertmanager.url).host);
  onTestFinished(prometheus.stop);
  const value = async (expr: string) => (await query(prometheus.url, expr))[0]?.value;
  await eventually(async () => expect(await value('kpay_up')).toBe(1), { timeoutMs: 30_000 });
  let scraped = 0;
  const scrape = async () => {
    expect((await fetch(`${exporterUrl}/metrics`)).status).toBe(200);
    scraped += 1;
  };
  const scrapers = setInterval(() => void Promise.all(Array.from({ length: SCRAPERS }, scrape)), 1_000);
  const watched = await countRequests();
  clearInterval(scrapers);
  expect(scraped).toBeGreaterThanOrEqual(SCRAPERS * (COUNTED_MS / 1_000 - 2));
  process.stdout.write(
    `requests to KPay in ${COUNTED_MS / 1_000} s: ${idle} idle, ${watched} with ten scrapers (${scraped} scrapes)\n`,
  );
  expect(watched).toBeLessThanOrEqual(idle + 2);

  for (const index of [1, 2, 3]) {
    const { id } = await postTransfer(apiUrl, order(`sold-${index}`));
    await eventually(async () => expect((await getTransfer(apiUrl, id)).state).toBe('succeeded'), { timeoutMs: 30_000 });
  }

  // An operator closes.
  const operator = { country: 'CMR', provider: 'MTN_MOMO_CMR', operationType: 'PAYOUT' };
  control.setAvailability({ ...operator, status: 'CLOSED' });
  const closed = await receiver.waitFor('KpayOperatorClosed', 'firing');
  expect(closed.annotations.summary).toBe('MTN_MOMO_CMR (CMR) is closed for PAYOUT.');
  expect(closed.receiver).toBe('team');
  control.setAvailability({ ...operator, status: 'OPERATIONAL' });
  await receiver.waitFor('KpayOperatorClosed', 'resolved');

  // The balance falls: first it falls too fast, then it is not enough for a transfer.
  for (const country of ['CMR', 'GAB', 'COG']) control.setBalance({ country, balance: 10_000 });
  await receiver.waitFor('KpayWalletRunsDry', 'firing');
  const held = await postTransfer(apiUrl, order('too-much'));
  expect((await receiver.waitFor('KpayTransfersWithoutFunds', 'firing')).receiver).toBe('on-call');
  for (const country of ['CMR', 'GAB', 'COG']) control.setBalance({ country, balance: 50_000_000 });
  await receiver.waitFor('KpayWalletRunsDry', 'resolved');
  await receiver.waitFor('KpayTransfersWithoutFunds', 'resolved');
  expect((await getTransfer(apiUrl, held.id)).state).toBe('succeeded');

  // KPay is down: its last figures vanish.
  control.addFault({ fault: { kind: 'status', status: 503 } });
  await receiver.waitFor('KpayDown', 'firing');
  await eventually(async () => expect(await query(prometheus.url, 'kpay_wallet_balance')).toEqual([]), { timeoutMs: 30_000 });
  control.clearFaults();
  await receiver.waitFor('KpayDown', 'resolved');

  // KPay already holds a transfer's id: a person must check.
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 409 } });
  const collided = await postTransfer(apiUrl, order('collided'));
  expect((await receiver.waitFor('KpayReviewOpen', 'firing')).labels).toMatchObject({ account: 'default', reason: 'collision' });
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ verdict: 'not_happened', reason: 'not in the dashboard' });
  const resolved = await fetch(`${apiUrl}/v1/transfers/${collided.id}/resolve`, { method: 'POST', headers, body });
  expect(resolved.status).toBe(200);
  await receiver.waitFor('KpayReviewOpen', 'resolved');

  // Every expression of every dashboard returns data.
  for (const { dashboard, panel, expr } of dashboardExpressions()) {
    const filled = expr.replaceAll('$account', '.+').replaceAll('$__rate_interval', '30s').replaceAll('$__range', '5m');
    const shown = async () => expect(await query(prometheus.url, filled), `${dashboard}: ${panel}: ${filled}`).not.toEqual([]);
    await eventually(shown, { timeoutMs: 30_000 });
  }

  // All three endpoints, with everything that happened so far, pass Prometheus' own tool.
  for (const [job, url] of Object.entries(targets)) {
    const input = await (await fetch(`${url}/metrics`)).text();
    expect(input, job).toMatch(/^kpay_/m);
    const checked = spawnSync(programOf('promtool'), ['check', 'metrics'], { input, encoding: 'utf8' });
    expect({ job, status: checked.status, said: checked.stdout + checked.stderr }).toEqual({ job, status: 0, said: '' });
  }

  // The budget is used up: for a while there are more orders than KPay allows requests.
  control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'delay', delayMs: 1_000 } });
  const burst = Array.from({ length: 3 * LIMIT }, (_each, index) =>
    postTransfer(apiUrl, order(`burst-${index}`, { amount: 100 })),
  );
  await Promise.all(burst);
  await receiver.waitFor('KpayBudgetExhausted', 'firing');

  control.clearFaults();
  await receiver.waitFor('KpayBudgetExhausted', 'resolved');

  // The exporter is down, and in this test everything else with it.
  await kpay.end('SIGKILL');
  for (const alert of ['KpayExporterDown', 'KpayWorkerDown', 'KpayAdminApiDown']) await receiver.waitFor(alert, 'firing');
  await startKpay();
  for (const alert of ['KpayExporterDown', 'KpayWorkerDown', 'KpayAdminApiDown']) await receiver.waitFor(alert, 'resolved');
});

function dashboardExpressions(): { dashboard: string; panel: string; expr: string }[] {
  interface Panel {
    title?: string;
    targets?: { expr: string }[];
    panels?: Panel[];
  }
  const folder = new URL('../../../docker/grafana/dashboards/', import.meta.url);
  const expressionsOf = (
    dashboard: string,
    { title = '', targets = [], panels = [] }: Panel,
  ): ReturnType<typeof dashboardExpressions> => [
    ...targets.map(({ expr }) => ({ dashboard, panel: title, expr })),
    ...panels.flatMap((panel) => expressionsOf(dashboard, panel)),
  ];
  const found = readdirSync(folder).flatMap((name) =>
    expressionsOf(name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Panel),
  );
  expect(found.length).toBeGreaterThan(30);
  return found;
}
