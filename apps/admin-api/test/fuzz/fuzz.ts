import { Agent, type IncomingMessage, request as open } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '@kpay/testkit';
import { type ApiDocument, createGenerator, type Generated } from './generate.ts';
import { adminToken, type ServedApi, serveApi } from './served-api.ts';

const LANES = 32;
const ANSWER_WITHIN_MS = 60_000;
const POLL_EVERY_MS = 50;

export interface FuzzReport {
  /** How many answers had each status. 0 counts requests that either side cut off before an answer. */
  statuses: Record<string, number>;
  /** Answers that must never occur, each with its request. */
  failures: string[];
  /** How long a well-behaved client waited meanwhile. */
  others: { asked: number; p99Ms: number; worstMs: number };
  heapMb: { warm: number; end: number };
}

/** Sends generated requests to an admin API in a separate process. The same seed makes the same requests. */
export async function fuzz({ requests, seed }: { requests: number; seed: number }): Promise<FuzzReport> {
  const api = await serveApi();
  const { url } = api;
  const agent = new Agent({ keepAlive: true, maxSockets: LANES * 2 });
  try {
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as ApiDocument;
    const generate = createGenerator(document, adminToken, seededRandom(seed));
    const report: FuzzReport = {
      statuses: {},
      failures: [],
      others: { asked: 0, p99Ms: 0, worstMs: 0 },
      heapMb: { warm: 0, end: 0 },
    };

    let made = 0;
    const lane = async (most: number) => {
      while (made < most) {
        const index = made;
        made += 1;
        const asked = generate(index);
        const status = await send(url, asked, agent).catch((error: unknown) => String(error));
        // A busy ledger is a valid answer of /readyz.
        const isFault = typeof status === 'string' || (status >= 500 && !(status === 503 && asked.path.startsWith('/readyz')));
        if (isFault) {
          const { method, path, headers, body } = asked;
          const { authorization: _, ...rest } = headers;
          report.failures.push(
            `${status}: ${method} ${path.slice(0, 200)} ${JSON.stringify(rest).slice(0, 200)} ${body?.toString().slice(0, 300) ?? ''}`,
          );
        }
        report.statuses[String(status)] = (report.statuses[String(status)] ?? 0) + 1;
      }
    };
    const burst = (most: number) => Promise.all(Array.from({ length: LANES }, () => lane(most)));

    await burst(Math.ceil(requests / 10));
    report.heapMb.warm = await heapMb(api);
    const watch = watchOthers(url);
    await burst(requests);
    report.others = await watch.stop();
    agent.destroy();
    report.heapMb.end = await heapMb(api);
    if (api.hasEnded()) report.failures.push('the process ended');
    return report;
  } finally {
    agent.destroy();
    await api.stop();
  }
}

/** @returns the status; 0 when the server ended the connection without an answer because of the request. */
async function send(url: string, { method, path, headers, body, slow }: Generated, agent: Agent): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { hostname, port } = new URL(url);
  const request = open({
    hostname,
    port,
    method,
    path,
    agent: slow ? false : agent,
    headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
  });
  const late = setTimeout(() => {
    request.destroy();
    reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`));
  }, ANSWER_WITHIN_MS);
  request.on('response', (response: IncomingMessage) => {
    resolve(response.statusCode ?? 0);
    // A stream never ends by itself.
    if (String(response.headers['content-type']).startsWith('text/event-stream')) request.destroy();
    response.on('error', () => {});
    response.resume();
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    // The server may end a connection whose request it has refused. A refused connection is a failure.
    if (error.code === 'ECONNREFUSED') reject(error);
    else resolve(0);
  });
  if (slow) await trickle(request, body ?? Buffer.alloc(0));
  else request.end(body);
  return promise.finally(() => clearTimeout(late));
}

/** Sends a few bytes at a time for a second, and then in half of the cases nothing more. */
async function trickle(request: ReturnType<typeof open>, body: Buffer): Promise<void> {
  const pieces = 10;
  const size = Math.ceil(body.length / pieces);
  for (let n = 0; n < pieces && !request.destroyed; n += 1) {
    request.write(body.subarray(n * size, (n + 1) * size));
    await delay(100);
  }
  if (body.length % 2 === 0) request.end();
  else request.destroy();
}

/** A well-behaved client that sends one request after the other all the while. */
function watchOthers(url: string): { stop(): Promise<FuzzReport['others']> } {
  const waitsMs: number[] = [];
  let going = true;
  const headers = { authorization: `Bearer ${adminToken}` };
  const watching = (async () => {
    while (going) {
      const startedMs = performance.now();
      const answer = await fetch(`${url}/v1/transfers?limit=1`, { headers });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`somebody else was answered ${answer.status}`);
      waitsMs.push(performance.now() - startedMs);
      await delay(POLL_EVERY_MS);
    }
  })();
  return {
    async stop() {
      going = false;
      await watching;
      waitsMs.sort((a, b) => a - b);
      const at = (share: number) => waitsMs[Math.min(waitsMs.length - 1, Math.floor(waitsMs.length * share))] ?? 0;
      return { asked: waitsMs.length, p99Ms: at(0.99), worstMs: at(1) };
    },
  };
}

async function heapMb(api: ServedApi): Promise<number> {
  // Requests that are still under way after the last answer have ended by then.
  await delay(500);
  return (await api.ask<{ heapBytes: number }>('heap')).heapBytes / 1e6;
}
