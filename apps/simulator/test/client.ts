import { onTestFinished } from 'vitest';
import {
  type Simulator,
  type SimulatorOptions,
  simulatorApiKey,
  simulatorApplicationId,
  simulatorSecretKey,
  startSimulator,
} from '../src/index.ts';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  body: unknown;
}

export interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  token(): Promise<string>;
  /** CMR→GAB 50,000 with the default application's id, unless `fields` say otherwise. */
  transfer(fields?: Record<string, unknown>, token?: string, signal?: AbortSignal): Promise<Reply>;
}

/** A simulator of the test's own, closed with it. */
export async function openSimulator(options: SimulatorOptions = {}): Promise<Simulator & { client: Client }> {
  const simulator = await startSimulator({ seed: 7, ...options });
  onTestFinished(() => simulator.close());
  return { ...simulator, client: connect(simulator.url) };
}

/** Speaks to a KPay as a bare HTTP client does: no retry, no timeout. */
export function connect(url: string, apiKey: string = simulatorApiKey, secretKey: string = simulatorSecretKey): Client {
  const keys = { 'x-api-key': apiKey, 'x-secret-key': secretKey };
  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: readJson(text) };
  };
  const client: Client = {
    get: (path, headers = keys) => send(path, { headers }),
    post: (path, body, headers = keys) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async token() {
      const { body } = await client.post('/api/v1/payments/token', {});
      return (body as { accessToken: string }).accessToken;
    },
    async transfer(fields = {}, token, signal) {
      const body = {
        applicationId: simulatorApplicationId,
        sourceCountry: 'CMR',
        destinationCountry: 'GAB',
        amount: 50_000,
        ...fields,
      };
      return send('/api/wallets/transfer', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token ?? (await client.token())}` },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      });
    },
  };
  return client;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
