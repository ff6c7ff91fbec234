import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultRule, Simulator } from '@kpay/simulator';

/** What a rewriting fault may change. */
export interface Passing {
  status: number;
  headers: Record<string, string>;
  json: unknown;
}

/** A fault of the simulator, or a rewriting of its answer where it has none. */
export interface CaseFault {
  what: string;
  /** Which of the case's requests meets it, from 1; all of them for 0. The first unless given. */
  nth?: number;
  simulator?: FaultRule['fault'];
  rewrite?: (answer: Passing) => void;
}

/** The way to the simulator for one case: everything passes, but for the fault. */
export async function createFaultyKpay(simulator: Simulator, fault: CaseFault): Promise<{ url: string; close(): Promise<void> }> {
  let requests = 0;
  const server = createServer(async (request, response) => {
    requests += 1;
    const meets = fault.nth === 0 || requests === (fault.nth ?? 1);
    const body = Buffer.concat(await request.toArray());
    // Cases run one by one, so the next request that the simulator sees is this one.
    if (meets && fault.simulator) simulator.control.addFault({ times: 1, fault: fault.simulator });
    const answer = await fetch(simulator.url + request.url, {
      method: request.method ?? 'GET',
      headers: passedOn(request.headers),
      body: body.length > 0 ? body : null,
    });
    const text = await answer.text();
    const headers = Object.fromEntries(['content-type', 'retry-after'].map((name) => [name, answer.headers.get(name) ?? '']));
    const passing: Passing = { status: answer.status, headers, json: undefined };
    if (!meets || !fault.rewrite) {
      response.writeHead(passing.status, present(headers)).end(text);
      return;
    }
    passing.json = JSON.parse(text);
    fault.rewrite(passing);
    response.writeHead(passing.status, present(passing.headers)).end(JSON.stringify(passing.json));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function present(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const names = ['authorization', 'content-type', 'x-api-key', 'x-secret-key'];
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])));
}
