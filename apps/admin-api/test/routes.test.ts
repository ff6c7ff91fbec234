import { openQueues, type Queues } from '@kpay/runtime';
import { createMaintenance } from '@kpay/transfers/operations';
import { createFileEpochWitness } from '@kpay/transfers/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scopes } from '../src/auth/scopes.ts';
import { openBoardQueues } from '../src/index.ts';
import type { Route } from './list-routes.ts';
import { type RunningApi, startApi } from './running-api.ts';
import { logger, openTestLedger } from './test-ledger.ts';

const unknownId = '00000000-0000-4000-8000-000000000000';
let api: RunningApi;
let queues: Queues;
/** A key with only this scope (plus what the board of queues needs), and one with all others. */
const keys = new Map<string, { only: string; board: string; others: string }>();

beforeAll(async () => {
  const opened = await openTestLedger();
  const { ledger, database, folder } = opened;
  queues = await openQueues({ store: { kind: 'embedded', database }, logger });
  const stop = async () => {
    await queues.close();
    await opened.stop();
  };
  const epochWitness = createFileEpochWitness(`${folder}/epoch`);
  api = await startApi({ ...opened, stop }, [], {
    queues: openBoardQueues(['default'], queues.queue),
    maintenance: createMaintenance({ ledger, epochWitness, accounts: ['default'], openQueue: queues.queue }),
  });
  for (const scope of scopes) {
    const make = async (wanted: readonly string[]) => {
      const { body } = await api.ask('/v1/api-keys', { body: { name: 'a', owner: 'till', scopes: wanted } });
      return String(body.key);
    };
    keys.set(scope, {
      only: await make([scope]),
      board: await make([...new Set([scope, 'read'])]),
      others: await make(scopes.filter((each) => each !== scope)),
    });
  }
}, 60_000);
afterAll(() => api.close());

/** The routes of the running application, with their description in its document. */
async function described() {
  const { paths } = (await api.ask('/openapi.json')).body as {
    paths: Record<string, Record<string, { security: { bearer?: string[] }[]; requestBody?: { content: object } }>>;
  };
  return api.routes().map(({ method, path }) => {
    const operation = paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    const [scope] = operation?.security[0]?.bearer ?? [];
    return { method, path, operation, scope: path.startsWith('/queues') ? 'control' : scope };
  });
}

// The metrics have their own protection: the web configuration.
const isOpen = ({ path }: Route) => /^\/(|healthz|readyz|metrics|openapi\.json|docs(\/.*)?)$/.test(path);
const fill = (path: string, value = unknownId) => path.replaceAll(/:\w+/g, value);
/**
 * A request that gets as far as possible: its body or query is broken, so that nothing is done and no stream begins.
 */
const ask = (route: Route, token: string | null) => {
  const body = route.method === 'GET' ? {} : { body: '{"broken' };
  const query = route.method === 'GET' && route.path.startsWith('/v1/') ? '?nobody-knows=1' : '';
  return api.ask(fill(route.path) + query, { method: route.method, token, ...body });
};

describe('every route in the stack of the running application', () => {
  it('is in the document, is the board of queues, or is one of the open ones', async () => {
    const all = await described();
    expect(all.length).toBeGreaterThan(50);
    for (const { method, path, operation } of all) {
      const known = operation !== undefined || path.startsWith('/queues/') || isOpen({ method, path });
      expect([`${method} ${path}`, known]).toEqual([`${method} ${path}`, true]);
    }
    const { paths } = (await api.ask('/openapi.json')).body as { paths: Record<string, object> };
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(all.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(documented));
  });

  it('is 401 without a good token, unless it is an open one, before anything else', async () => {
    for (const route of api.routes()) {
      for (const token of [null, 'wrong']) {
        const { status, headers } = await ask(route, token);
        const told = `${route.method} ${route.path}: ${status}`;
        if (isOpen(route)) expect(told).toMatch(/: 200$/);
        else {
          expect(told).toMatch(/: 401$/);
          expect(headers.get('www-authenticate')).toMatch(/^(Bearer|Basic) realm=/);
        }
      }
    }
  });

  it('is 403 with every scope but its own, and let in with its own alone', async () => {
    for (const { scope = '', ...route } of (await described()).filter((each) => !isOpen(each))) {
      expect(scopes, `${route.method} ${route.path}`).toContain(scope);
      const key = keys.get(scope);
      const refused = await ask(route, key?.others ?? '');
      expect([`${route.method} ${route.path}`, refused.status, refused.body.code]).toEqual([
        `${route.method} ${route.path}`,
        403,
        'forbidden',
      ]);
      expect(refused.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
      const { status } = await ask(route, (route.path.startsWith('/queues') ? key?.board : key?.only) ?? '');
      expect([401, 403], `${route.method} ${route.path}`).not.toContain(status);
      expect(status, `${route.method} ${route.path}`).toBeLessThan(500);
    }
  });

  it('refuses a malformed body with 400 or 422, as a problem that points to the place', async () => {
    const taking = (await described()).filter(
      ({ operation }) => operation?.requestBody && 'application/json' in operation.requestBody.content,
    );
    expect(taking.length).toBeGreaterThan(8);
    const malformed = [
      '{"broken',
      '[]',
      'null',
      '"text"',
      '{"nobody knows":1}',
      '{"reason":{},"externalId":[],"account":7}',
      '\u0000',
      '{"a":NaN}',
    ];
    for (const { method, path } of taking) {
      for (const body of malformed) {
        const answer = await api.ask(fill(path), { method, body });
        const told = `${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`;
        expect([400, 422], told).toContain(answer.status);
        expect(answer.headers.get('content-type'), told).toMatch(/^application\/problem\+json/);
        expect(answer.body.pointer, told).toMatch(/^(\/[^/].*)?$/);
      }
    }
  });

  it('breaks on no id, whatever that is', async () => {
    const withId = (await described()).filter(({ path, scope }) => path.includes(':') && scope !== undefined);
    for (const { method, path } of withId) {
      for (const id of ['x', '%00', '%F0%9F%92%B8', '%ff', '..%2f..', '9'.repeat(400), unknownId.toUpperCase(), "'--"]) {
        const body = method === 'GET' ? {} : { body: '{"reason":"none"}' };
        const { status, text } = await api.ask(fill(path, id), { method, ...body });
        expect(status, `${method} ${fill(path, id)}: ${text}`).toBeLessThan(500);
      }
    }
  });
});

it('transfers in review are settled together', async () => {
  const order = { account: 'default', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };
  for (const externalId of ['one', 'two']) {
    const headers = { 'idempotency-key': externalId };
    expect((await api.ask('/v1/transfers', { headers, body: { ...order, externalId } })).status).toBe(202);
  }
  const finished = await api.ask('/v1/maintenance/finish-restore', { body: { unseen: true } });
  expect(finished.body).toMatchObject({ outcome: 'finished', moved: 2 });
  const finding = { verdict: 'not_happened', reason: 'not there', reasonCode: 'restored' };
  expect((await api.ask('/v1/maintenance/settle-reviews', { body: finding })).body).toEqual({ resolved: 2, left: 0 });
});
