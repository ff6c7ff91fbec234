import type { KpayAccount } from '@kpay/core';
import { createLogger } from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { keepLog, rememberSecret } from '@kpay/testkit';
import type { Ledger, TransferRow } from '@kpay/transfers';
import type { Plugin } from '@kpay/transfers/plugin';
import { type EpochWitness, openAccount } from '@kpay/transfers/worker';
import { type AdminApiOptions, createAdminApi, startAdminApi } from '../src/index.ts';
import { listRoutes, type Route } from './list-routes.ts';
import type { TestLedger } from './test-ledger.ts';

export const adminToken = rememberSecret('kpay-admin-0123456789abcdef');

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON of the body. Its type is `any`, because each test expects another shape. */
  body: Record<string, unknown>;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  /** A string is sent unchanged, any other value as JSON. */
  body?: unknown;
  /** Null sends none. */
  token?: string | null;
}

/** The admin API on a ledger and a real simulator. Everything that it sends or logs is kept for inspection. */
export interface RunningApi {
  url: string;
  ledger: Ledger;
  simulator: Simulator;
  account: KpayAccount;
  /** Transfers of which the workers were notified. */
  notified: TransferRow[];
  /** What the next notifications do. By default they succeed. */
  setNotifyWorkers(notifyWorkers: (transfer: TransferRow) => Promise<void>): void;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  logged(): string;
  /** Every route of the application, as it is served. */
  routes(): Route[];
  empty(): Promise<void>;
  stopLedger(): Promise<void>;
  /** Throws when any answer, header or log line so far contains a secret. */
  close(): Promise<void>;
}

/** There is none, so nothing shows that the ledger was restored. */
const noWitness: EpochWitness = { where: 'nowhere', read: async () => undefined, write: async () => {}, replace: async () => {} };

export async function startApi(
  { ledger, empty, stop, remove }: TestLedger,
  plugins: readonly Plugin[] = [],
  more: Partial<Pick<AdminApiOptions, 'corsOrigins' | 'epochWitness' | 'oidc' | 'redis' | 'queues' | 'maintenance'>> = {},
  /** Further accounts besides `default`, at the same KPay. */
  otherAccounts: readonly string[] = [],
): Promise<RunningApi> {
  const said: string[] = [];
  const log: string[] = [];
  const notified: TransferRow[] = [];
  const kept = keepLog('admin-api');
  const hear = (line: string) => {
    log.push(line);
    kept.write(line);
  };
  const logger = createLogger({ name: 'admin-api', destination: { write: hear } });
  const simulator = await createSimulator({ port: 0, limit: 100_000, caching: false });
  const keys = { apiKey: simulatorApiKey, secretKey: rememberSecret(simulatorSecretKey) };
  const open = (name: string) =>
    openAccount(
      { name, ...keys, baseUrl: simulator.url, environment: 'TEST', rateLimitPerMinute: 100_000 },
      // Every read goes to KPay, so that the test sees its present answer.
      { maxAgeMs: { balance: 0, availability: 0, rate: 0 } },
    );
  const account = open('default');
  const others = otherAccounts.map(open);
  const remember = async (transfer: TransferRow): Promise<void> => {
    notified.push(transfer);
  };
  let notifyWorkers = remember;
  const options: AdminApiOptions = {
    ledger,
    epochWitness: noWitness,
    accounts: new Map([account, ...others].map((each) => [each.name, each])),
    adminToken,
    plugins,
    requestsPerMinute: 1_000_000,
    ...more,
    notifyWorkers: (transfer) => notifyWorkers(transfer),
    logger,
  };
  const api = await startAdminApi({ ...options, host: '127.0.0.1', port: 0 });

  async function ask(path: string, { method, headers = {}, body, token = adminToken }: AskOptions = {}): Promise<Answer> {
    const response = await fetch(api.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    said.push(JSON.stringify([...response.headers]), text);
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, text, body: isJson && text !== '' ? JSON.parse(text) : {} };
  }

  return {
    url: api.url,
    ledger,
    simulator,
    account,
    notified,
    setNotifyWorkers(next) {
      notifyWorkers = next;
    },
    ask,
    logged: () => log.join(''),
    routes: () => listRoutes(createAdminApi(options)),
    async empty() {
      await empty();
      notified.length = 0;
      notifyWorkers = remember;
      simulator.control.reset();
    },
    stopLedger: stop,
    async close() {
      await api.close();
      await simulator.close();
      for (const each of [account, ...others]) await each.close();
      await stop();
      remove();
      const everything = [...said, ...log].join('\n');
      for (const secret of [adminToken, simulatorApiKey, simulatorSecretKey]) {
        if (everything.includes(secret)) throw new Error('a secret was told');
      }
    },
  };
}
