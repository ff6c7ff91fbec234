import { createServer } from 'node:http';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { StartError } from '../start-error.ts';
import { type HttpHandler, healthRoutes, listen, sendText, startHttp } from './start-http.ts';

const lines: string[] = [];
const logger = pino({}, { write: (line: string) => void lines.push(line) });
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  lines.length = 0;
});

async function start(routes: Record<string, HttpHandler>) {
  const server = await startHttp({ port: 0, host: '127.0.0.1', portSetting: 'EXPORTER_PORT', routes, logger });
  closers.push(server.close);
  return server;
}

it('an idle connection is kept for longer than a balancer reuses it', async () => {
  const { url } = await start({ '/': (_request, response) => sendText(response, 200, 'ok') });
  expect((await fetch(url)).headers.get('keep-alive')).toBe('timeout=65');
});

it('a path is answered by its handler, by GET and HEAD alone, whatever the query', async () => {
  const { url } = await start({ '/metrics': (_request, response) => sendText(response, 200, 'kpay_up 1\n') });
  expect(await (await fetch(`${url}/metrics?x=1`)).text()).toBe('kpay_up 1\n');
  expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(`${url}/other`)).status).toBe(404);
  expect((await fetch(`${url}/toString`)).status).toBe(404);
});

it('readiness tells what is missing, health only that the process runs', async () => {
  const missing = ['account default: KPay has not answered yet'];
  const { url } = await start(healthRoutes(() => missing));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const waiting = await fetch(`${url}/readyz`);
  expect([waiting.status, await waiting.text()]).toEqual([503, 'account default: KPay has not answered yet\n']);
  missing.length = 0;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

it('answers 500 when a handler throws, logs it, and tells the caller nothing of why', async () => {
  const { url } = await start({
    '/metrics': () => {
      throw new Error('inner');
    },
  });
  const answer = await fetch(`${url}/metrics`);
  expect([answer.status, await answer.text()]).toEqual([500, 'failed\n']);
  expect(lines.join('')).toContain('inner');
});

it('a path that is no address does not end the process', async () => {
  const { url } = await start({});
  expect((await fetch(`${url}//`)).status).toBe(404);
});

it('a port in use is refused in one line that names the setting', async () => {
  const { port } = await start({});
  const second = listen(createServer(), { port, host: '127.0.0.1', portSetting: 'EXPORTER_PORT' });
  await expect(second).rejects.toBeInstanceOf(StartError);
  await expect(second).rejects.toThrow(`port ${port} is in use: set EXPORTER_PORT to a free one`);
});

it('a host that is not this machine is refused in one line', async () => {
  await expect(listen(createServer(), { port: 0, host: '192.0.2.1', portSetting: 'ADMIN_API_PORT' })).rejects.toThrow(
    '192.0.2.1 is not an address of this machine: set HOST to one, or leave it out for 127.0.0.1',
  );
});

it('closing waits for an answer under way', async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const server = await start({
    '/slow': async (_request, response) => {
      begun.resolve();
      await goOn.promise;
      sendText(response, 200, 'late\n');
    },
  });
  const answer = fetch(`${server.url}/slow`);
  await begun.promise;
  const closed = server.close();
  goOn.resolve();
  expect(await (await answer).text()).toBe('late\n');
  await closed;
});
