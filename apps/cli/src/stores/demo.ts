import { setTimeout as delay } from 'node:timers/promises';
import type { TransferView } from '@kpay/transfers';

const POLL_EVERY_MS = 100;
const GIVE_UP_MS = 60_000;

export interface DemoOptions {
  apiUrl: string;
  workerUrl: string;
  adminToken: string;
  print: (line: string) => void;
}

/**
 * Makes one transfer the way a person would, over the REST API, and tells its way line by line.
 * @returns whether it succeeded.
 */
export async function runDemo({ apiUrl, workerUrl, adminToken, print }: DemoOptions): Promise<boolean> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const order = {
    externalId: `demo-${Date.now()}`,
    sourceCountry: 'CMR',
    destinationCountry: 'SEN',
    amount: '100000',
    minRate: '1.01',
    description: 'kpay demo',
  };
  print('');
  print(`Demo: 100000 XAF from Cameroon (CMR) to Senegal (SEN), at a rate of 1.01 or better; externalId ${order.externalId}`);
  const countedBefore = await readMetrics(workerUrl);
  const startedMs = performance.now();
  const created = await fetch(`${apiUrl}/v1/transfers`, { method: 'POST', headers, body: JSON.stringify(order) });
  if (created.status !== 202) {
    print(`The API refused it: ${created.status} ${await created.text()}`);
    return false;
  }
  const { id } = (await created.json()) as TransferView;
  const transferUrl = `${apiUrl}/v1/transfers/${id}`;

  let shown = 0;
  for (;;) {
    // The transfer before its events: of one that is final they are then complete.
    const transfer = (await (await fetch(transferUrl, { headers })).json()) as TransferView;
    const { items } = (await (await fetch(`${transferUrl}/events`, { headers })).json()) as { items: EventLine[] };
    for (const event of items.slice(shown)) {
      print(`  ${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(5)} s  ${describe(event)}`);
    }
    shown = items.length;
    if (transfer.finishedAt !== null) {
      await printEnd(transfer, { transferUrl, workerUrl, countedBefore, print });
      return transfer.state === 'succeeded';
    }
    if (performance.now() - startedMs > GIVE_UP_MS) {
      print(`It is still ${transfer.state} after a minute${transfer.reason === null ? '' : `: ${transfer.reason}`}`);
      return false;
    }
    await delay(POLL_EVERY_MS);
  }
}

interface EventLine {
  type: string;
  to: string;
  reason: string | null;
  detail: Record<string, unknown> | null;
}

function describe({ type, to, reason, detail }: EventLine): string {
  const balance = detail?.balance as { shown: string; currency: string } | undefined;
  const rate = detail?.rate as { rate: string; minRate: string } | undefined;
  const checks = [
    balance && `balance ${balance.shown} ${balance.currency} is enough`,
    rate && `rate ${rate.rate} is at least ${rate.minRate}`,
  ].filter((said) => said !== undefined);
  const why = reason ?? (checks.length > 0 ? `checks passed: ${checks.join(', ')}` : type === to ? '' : type);
  return why === '' ? to : `${to.padEnd(11)} ${why}`;
}

async function printEnd(
  transfer: TransferView,
  {
    transferUrl,
    workerUrl,
    countedBefore,
    print,
  }: {
    transferUrl: string;
    workerUrl: string;
    countedBefore: string;
    print: (line: string) => void;
  },
): Promise<void> {
  if (transfer.state === 'succeeded') {
    print(
      `  ${transfer.amount} ${transfer.currency} left ${transfer.sourceCountry}, ${transfer.destinationAmount} ${transfer.destinationCurrency}` +
        ` arrived in ${transfer.destinationCountry} at ${transfer.exchangeRate}; KPay's id ${transfer.kpayTransferId}`,
    );
  } else {
    print(`  It ended as ${transfer.state}: ${transfer.reason}. No money moved.`);
  }
  const counted = await countedAs(transfer.state, workerUrl, countedBefore);
  print('It is in the API and in the metrics:');
  print(`  ${transferUrl}`);
  print(`  ${counted}`);
}

const COUNTED_WITHIN_MS = 10_000;

/** The line of the metrics that counts this end, once it is another than before: the ledger is read every 2 s for them. */
async function countedAs(state: string, workerUrl: string, before: string): Promise<string> {
  const untilMs = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    const line = lineOf(state, await readMetrics(workerUrl));
    if (line !== lineOf(state, before) || performance.now() > untilMs) return line;
    await delay(POLL_EVERY_MS);
  }
}

async function readMetrics(workerUrl: string): Promise<string> {
  return (await fetch(`${workerUrl}/metrics`)).text();
}

function lineOf(state: string, metrics: string): string {
  const series = `kpay_transfers_finished_total{account="default",state="${state}"}`;
  return metrics.split('\n').find((line) => line.startsWith(series)) ?? `${series} 0`;
}
