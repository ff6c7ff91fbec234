import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
afterAll(() => api.close());

const id = '00000000-0000-4000-8000-000000000000';
const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const key = { name: 'till', owner: 'till', scopes: ['read'] };
const odd = 'a\u202eb';
const why = 'must not contain U+202E: control and invisible characters are refused';

it.each([
  ['/v1/transfers', { ...request, externalId: odd }, '/externalId'],
  ['/v1/transfers', { ...request, description: odd }, '/description'],
  ['/v1/transfers', { ...request, metadata: { team: odd } }, '/metadata/team'],
  ['/v1/transfers', { ...request, metadata: { [odd]: 'team' } }, `/metadata/${odd}`],
  ['/v1/transfers?dryRun=true', { ...request, description: odd }, '/description'],
  [`/v1/transfers/${id}/replay`, { externalId: odd }, '/externalId'],
  [`/v1/transfers/${id}/cancel`, { reason: odd }, '/reason'],
  [`/v1/transfers/${id}/resolve`, { verdict: 'happened', reason: odd }, '/reason'],
  [`/v1/transfers/${id}/resolve`, { verdict: 'happened', reason: 'seen', evidence: odd }, '/evidence'],
  ['/v1/pauses', { scope: 'all', reason: odd }, '/reason'],
  ['/v1/api-keys', { ...key, name: odd }, '/name'],
])('%s %j: the character is named and nothing is done', async (path, body, pointer) => {
  const { status, body: problem } = await api.ask(path, { body });
  expect({ status, problem }).toMatchObject({ status: 400, problem: { code: 'invalid_request', pointer } });
  expect(problem.detail).toContain(why);
});

it.each([
  ['application/x-ndjson', JSON.stringify({ ...request, description: odd }), '/description'],
  ['text/csv', `externalId,sourceCountry,destinationCountry,amount\n${odd},CMR,GAB,50000`, '/externalId'],
  ['text/csv', `externalId,sourceCountry,destinationCountry,amount,metadata.team\na,CMR,GAB,50000,${odd}`, '/metadata/team'],
])('a batch in %s refuses the line alone, and names field and character', async (type, text, pointer) => {
  const { body } = await api.ask('/v1/transfers/batch', { method: 'POST', body: text, headers: { 'content-type': type } });
  const [result] = body.results as { outcome: string; problem: { pointer: string; detail: string } }[];
  expect(result).toMatchObject({ outcome: 'refused', problem: { pointer } });
  expect(result?.problem.detail).toContain(why);
});

it('lines and emoji stay as they were given, where a text may have them', async () => {
  const description = 'rent\nfor 👩‍👩‍👧‍👦\tMay';
  const { body } = await api.ask('/v1/transfers', { body: { ...request, description } });
  expect(body).toMatchObject({ state: 'queued', description });
  expect((await api.ask('/v1/transfers', { body: { ...request, externalId: 'order\n1' } })).body.detail).toContain('U+000A');
});
