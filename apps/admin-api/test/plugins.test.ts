import { definePlugin } from '@kpay/transfers/plugin';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

const acme = definePlugin({
  name: 'acme',
  routes: [
    {
      name: 'holiday',
      method: 'get',
      path: '/holidays/{id}',
      summary: 'One holiday.',
      handle: ({ id, query, owner }) => ({ id, query, owner }),
    },
    {
      name: 'add-holiday',
      method: 'post',
      path: '/holidays',
      summary: 'Add one.',
      handle: async ({ body }) => ({ added: body }),
    },
    {
      name: 'broken',
      method: 'get',
      path: '/broken',
      summary: 'Breaks.',
      handle() {
        throw Object.assign(new Error('the holiday password is hunter2'), { status: 413 });
      },
    },
    {
      name: 'break-something',
      method: 'post',
      path: '/broken',
      summary: 'Breaks after it did something.',
      handle() {
        throw new Error('too late');
      },
    },
    { name: 'nonsense', method: 'get', path: '/nonsense', summary: 'Answers no JSON.', handle: () => 1n },
  ],
});

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger(), [acme]);
});
afterAll(() => api.close());

it('a route of a plugin answers below its name, behind the keys of the API', async () => {
  const path = '/v1/plugins/acme/holidays';
  expect(await api.ask(`${path}/new-year?year=2026`)).toMatchObject({
    status: 200,
    body: { id: 'new-year', query: { year: '2026' }, owner: 'admin' },
  });
  expect(await api.ask(path, { body: { day: '2026-01-01' } })).toMatchObject({
    status: 200,
    body: { added: { day: '2026-01-01' } },
  });
  expect((await api.ask(`${path}/new-year`, { token: null })).status).toBe(401);
  expect((await api.ask(`${path}/new-year`, { method: 'DELETE' })).status).toBe(405);
  const { body } = await api.ask('/openapi.json', { token: null });
  expect(Object.keys(body.paths as object)).toEqual(expect.arrayContaining(['/v1/plugins/acme/holidays/{id}']));
});

it.each(['broken', 'nonsense'])(
  'a route that breaks (%s) answers a problem with 500; its error is only logged',
  async (route) => {
    const answer = await api.ask(`/v1/plugins/acme/${route}`);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({
      code: 'internal_error',
      detail: 'The plugin acme failed to answer; the log has the reason.',
    });
    expect(answer.text).not.toContain('hunter2');
    expect(answer.body.safeToRetry).toBe(true);
    expect((await api.ask('/v1/accounts')).status).toBe(200);
  },
);

it('nobody is told to repeat what a plugin may have done before it failed', async () => {
  const answer = await api.ask('/v1/plugins/acme/broken', { body: {} });
  expect(answer.body).toMatchObject({ status: 500, safeToRetry: false, moneyMoved: 'unknown' });
});
