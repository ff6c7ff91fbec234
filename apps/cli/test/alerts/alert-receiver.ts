import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '@kpay/testkit';

interface Notification {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** The receiver of alertmanager.yml through which it came. */
  receiver: string;
}

/** The notifications that Alertmanager sends. */
export interface AlertReceiver {
  url: string;
  /** Waits for the notification of an alert, and returns it. */
  waitFor(alert: string, status: Notification['status']): Promise<Notification>;
  /** The alerts that fire now, by the latest notifications. */
  firing(): string[];
  close(): void;
}

const TOLD_WITHIN_MS = 120_000;

export async function startAlertReceiver(): Promise<AlertReceiver> {
  /** The latest notification of each alert, by fingerprint. */
  const latest = new Map<string, Notification>();
  const server = createServer(async (request, response) => {
    const { receiver, alerts } = JSON.parse(await text(request)) as {
      receiver: string;
      alerts: (Notification & { fingerprint: string })[];
    };
    for (const alert of alerts) latest.set(alert.fingerprint, { ...alert, receiver });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const named = (alert: string) => [...latest.values()].filter(({ labels }) => labels.alertname === alert);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waitFor: (alert, status) =>
      eventually(
        () => {
          const sent = named(alert);
          const found = status === 'firing' ? sent.find((each) => each.status === 'firing') : sent[0];
          if (found && sent.every((each) => status === 'firing' || each.status === 'resolved')) return found;
          throw new Error(`${alert} is not ${status}; firing: ${firingIn(latest).join(', ')}`);
        },
        { timeoutMs: TOLD_WITHIN_MS, everyMs: 100 },
      ),
    firing: () => firingIn(latest),
    close: () => void server.close(),
  };
}

function firingIn(latest: ReadonlyMap<string, Notification>): string[] {
  const firing = [...latest.values()].filter(({ status }) => status === 'firing');
  return [...new Set(firing.map(({ labels }) => labels.alertname ?? ''))].toSorted();
}
