import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type AskOptions, adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

interface Described {
  operationId: string;
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object; example?: unknown }> };
  responses: Record<string, { content: Record<string, { schema: object }>; headers?: object }>;
}
interface Document {
  paths: Record<string, Record<string, Described>>;
  components: object;
}

const nobody = '00000000-0000-4000-8000-000000000000';
const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

let api: RunningApi;
let document: Document;
/** A transfer that was created first. */
let id: string;
const called = new Set<string>();
const statuses = new Map<string, Set<number>>();

beforeAll(async () => {
  api = await startApi(await openTestLedger());
  document = (await api.ask('/openapi.json', { token: null })).body as unknown as Document;
}, 60_000);
afterAll(() => api.close());

/** Goes through the states that lead there, as the ledger requires. */
async function review(id: string): Promise<void> {
  const inState = (set: Record<string, unknown>) =>
    api.ledger.db.updateTable('kpay.transfers').set(set).where('id', '=', id).execute();
  const soon = new Date(Date.now() + 60_000);
  await inState({ state: 'submitting', version: 2, lease_until: soon, due_at: soon, send_body: '{}' });
  await inState({ state: 'review', version: 3, lease_until: null, due_at: null });
}

const validators = new Map<string, ValidateFunction>();

/** Why `value` does not match the document; undefined when it does. */
function differences(schema: object, value: unknown): string[] {
  const text = JSON.stringify(schema);
  const validate = validators.get(text) ?? compile(schema);
  validators.set(text, validate);
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function compile(schema: object): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  return ajv.compile({ ...schema, components: document.components });
}

function operationAt(path: string, method: string): [string, Described] {
  const [bare = ''] = path.split('?');
  for (const [template, methods] of Object.entries(document.paths)) {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    const described = pattern.test(bare) ? methods[method.toLowerCase()] : undefined;
    if (described) return [`${method} ${template}`, described];
  }
  throw new Error(`the document knows no ${method} ${bare}`);
}

/** Calls an operation and checks the request and the answer against the document. */
async function call(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const [name, described] = operationAt(path, method);
  const answer = await api.ask(path, { method, ...options });
  called.add(name);
  statuses.set(name, (statuses.get(name) ?? new Set()).add(answer.status));
  const promised = described.responses[String(answer.status)];
  expect(promised, `${name} answers ${answer.status}, which the document does not say`).toBeDefined();
  const type = String(answer.headers.get('content-type')).split(';')[0] ?? '';
  expect(Object.keys(promised?.content ?? {})).toContain(type);
  const body = type.includes('json') ? answer.body : answer.text;
  expect(differences(promised?.content[type]?.schema ?? {}, body), `${name} ${answer.text}`).toEqual([]);
  const asked = described.requestBody?.content['application/json']?.schema;
  if (asked && options.body !== undefined) {
    const documented = differences(asked, options.body).length === 0;
    // The API can refuse what the document allows (an unknown country). What the document forbids must never be
    // accepted.
    if (answer.status < 300) expect(documented, `${name} took what the document forbids`).toBe(true);
  }
  const parameters = new Set(described.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name));
  for (const name of new URL(path, 'http://x').searchParams.keys()) {
    if (answer.status < 300) expect([...parameters]).toContain(name);
  }
  return answer;
}

/** Reads the first event of a stream, which has no end, and checks it against the document. */
async function callStream(path: string): Promise<string> {
  const [name, described] = operationAt(path, 'GET');
  const leave = new AbortController();
  const answer = await fetch(api.url + path, { headers: { authorization: `Bearer ${adminToken}` }, signal: leave.signal });
  called.add(name);
  statuses.set(name, (statuses.get(name) ?? new Set()).add(answer.status));
  expect(Object.keys(described.responses[String(answer.status)]?.content ?? {})).toEqual([
    answer.headers.get('content-type')?.split(';')[0],
  ]);
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes('data: ')) break;
  }
  leave.abort();
  return text;
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document) as unknown as Record<string, unknown>);
    expect(result.errors ?? []).toEqual([]);
    expect(document).toMatchObject({ openapi: '3.1.0' });
  });

  it('describes what making transfers answers, when it succeeds and when it does not', async () => {
    const made = await call('POST', '/v1/transfers', { body: request });
    id = String(made.body.id);
    const location = String(made.headers.get('location'));
    expect(new URL(location, `${api.url}/kpay/v1/transfers`).pathname).toBe(`/kpay/v1/transfers/${id}`);
    const more = { metadata: { team: 'a' }, externalId: 'order-2', minRate: '0.9', priority: 9, description: 'x' };
    const { body: second } = await call('POST', '/v1/transfers', { body: { ...request, ...more } });
    await review(String(second.id));
    const { headers: seen } = await call('GET', `/v1/transfers/${String(second.id)}`);
    expect(seen.get('etag')).toBe('"3"');
    const old = { headers: { 'if-match': '"2"' } };
    await call('POST', `/v1/transfers/${String(second.id)}/cancel`, old);
    await call('POST', `/v1/transfers/${String(second.id)}/cancel`);
    await call('POST', `/v1/transfers/${String(second.id)}/resolve`, { body: { verdict: 'happened', reason: 'seen' } });
    await call('POST', '/v1/transfers', { body: { ...request, amount: 60_000 } });
    await call('POST', '/v1/transfers', { body: { ...request, amount: true } });
    await call('POST', '/v1/transfers', { body: { ...request, nonsense: 1 } });
    await call('POST', '/v1/transfers', { body: '{' });
    await call('POST', '/v1/transfers', { body: 'x'.repeat(200_000) });
    await call('POST', '/v1/transfers', { body: 'a=b', headers: { 'content-type': 'text/plain' } });
    await call('POST', '/v1/transfers', { body: request, token: 'wrong' });
    const lines = {
      body: `${JSON.stringify({ ...request, externalId: 'line-1' })}\n{}`,
      headers: { 'content-type': 'application/x-ndjson' },
    };
    await call('POST', '/v1/transfers/batch', lines);
    await call('POST', '/v1/transfers/batch?atomic=true', lines);
    await call('POST', '/v1/transfers/batch', { ...lines, headers: { 'content-type': 'text/plain' } });
    await call('POST', '/v1/transfers/dry-run', { body: { ...request, externalId: 'not-made' } });
    await call('POST', '/v1/transfers/dry-run', { body: request });
    await call('POST', '/v1/transfers?dryRun=perhaps', { body: request });
  });

  it('describes what reading answers', async () => {
    await call('GET', '/v1/transfers?limit=1&state=queued&account=default&externalId=order-1');
    const every = 'corridor=CMR-GAB&minAmount=1&maxAmount=1e9&createdFrom=2026-01-01T00:00:00Z&createdTo=2099-01-01T00:00:00Z';
    await call('GET', `/v1/transfers?${every.replace('1e9', '99999')}`);
    await call('GET', `/v1/transfers?${every}`);
    await call('GET', '/v1/transfers?reason=waiting%20for');
    await call('GET', '/v1/transfers.csv?account=default');
    await call('GET', '/v1/transfers.csv?limit=1');
    await call('GET', '/v1/transfers?limit=0');
    const { body: first } = await call('GET', '/v1/transfers?limit=1');
    await call('GET', `/v1/transfers?limit=1&cursor=${String(first.nextCursor)}`);
    await call('POST', '/v1/stream-tokens');
    expect(await callStream('/v1/stream?after=0')).toContain('"type":"accepted"');
    await call('GET', '/v1/stream?after=999999999');
  });

  it('describes what is done to a transfer', async () => {
    for (const one of [id, nobody]) {
      await call('GET', `/v1/transfers/${one}`);
      await call('GET', `/v1/transfers/${one}/events`);
      await call('GET', `/v1/transfers/${one}/evidence`);
      await call('POST', `/v1/transfers/${one}/resolve`, { body: { verdict: 'happened', reason: 'seen' } });
      await call('POST', `/v1/transfers/${one}/cancel`, { body: { reason: 'not needed' } });
      await call('POST', `/v1/transfers/${one}/replay`, { body: { externalId: 'order-3' } });
    }
    await call('POST', `/v1/transfers/${id}/cancel`);
    await call('POST', `/v1/transfers/${id}/replay`);
  });

  it('describes everything else', async () => {
    const pause = await call('POST', '/v1/pauses', {
      body: { scope: 'corridor', account: 'default', corridor: 'CMR-GAB', reason: 'x' },
    });
    await call('POST', '/v1/pauses', { body: { scope: 'all' } });
    await call('GET', '/v1/pauses');
    await call('POST', '/v1/quotes', { body: { sourceCountry: 'CMR', destinationCountry: 'SEN' } });
    await call('POST', '/v1/quotes', { body: { sourceCountry: 'CMR', destinationCountry: 'SEN', tolerancePercent: 50 } });
    await call('DELETE', `/v1/pauses/${String(pause.body.id)}`);
    await call('DELETE', `/v1/pauses/${nobody}`);
    await call('POST', '/v1/providers/predict', { body: { phoneNumber: '237653456789' } });
    await call('POST', '/v1/providers/predict', { body: { phoneNumber: '237000000000' } });
    await call('POST', '/v1/providers/predict', { body: { phoneNumber: 'nobody' } });
    await call('GET', '/v1/balances');
    await call('GET', '/v1/balances?account=nobody');
    await call('GET', '/v1/availability');
    await call('GET', '/v1/rates?from=XAF&to=XOF');
    await call('GET', '/v1/rates?from=XAF&to=ZZZ');
    await call('GET', '/v1/rates');
    await call('GET', '/v1/accounts');
    await call('GET', '/v1/status');
    const wanted = { name: 'till', owner: 'till', scopes: ['read'], addressRanges: ['127.0.0.0/8', '::1'] };
    const { body: key } = await call('POST', '/v1/api-keys', { body: wanted });
    await call('POST', '/v1/api-keys', { body: { ...wanted, scopes: ['everything'] } });
    await call('POST', '/v1/api-keys', { body: wanted, token: String(key.key) });
    await call('GET', '/v1/api-keys');
    await call('DELETE', `/v1/api-keys/${String(key.id)}`);
    await call('DELETE', `/v1/api-keys/${String(key.id)}`);
    await call('GET', '/healthz', { token: null });
    await call('GET', '/readyz', { token: null });
  });

  it('leaves no operation out, and none was called that it does not have', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...called].sort()).toEqual(documented.sort());
    for (const [name, seen] of statuses) {
      expect(
        [...seen].some((status) => status < 300),
        `${name} never succeeded`,
      ).toBe(true);
    }
  });

  it('promises every status that was seen to be possible for a transfer', () => {
    expect([...(statuses.get('POST /v1/transfers') ?? [])].sort()).toEqual([202, 400, 401, 413, 415, 422]);
    expect([...(statuses.get('POST /v1/transfers/{id}/cancel') ?? [])].sort()).toEqual([200, 404, 409, 412]);
  });
});

describe('what programs and people make of the document', () => {
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({ name: `${method.toUpperCase()} ${path}`, described })),
    );
  const parameter = (path: string, name: string) => {
    const [, get] = operationAt(path, 'GET');
    return get.parameters?.find((each) => each.name === name)?.schema ?? {};
  };

  it('has one kind of success for each operation, so that generated clients know it', () => {
    for (const { name, described } of operations()) {
      const good = Object.keys(described.responses).filter((status) => status.startsWith('2'));
      expect(good, name).toHaveLength(1);
    }
    const [, create] = operationAt('/v1/transfers', 'POST');
    const schema = create.responses['202']?.content['application/json']?.schema as { $ref: string };
    const transfer = (document.components as { schemas: Record<string, { properties: object; required: string[] }> }).schemas[
      schema.$ref.replace('#/components/schemas/', '')
    ];
    expect(transfer?.properties).toHaveProperty('state');
    expect(transfer?.required).toContain('state');
  });

  it('whole numbers and flags are such, and no other number can have a fraction', () => {
    expect(differences(parameter('/v1/transfers', 'limit'), 50)).toEqual([]);
    expect(differences(parameter('/v1/transfers', 'limit'), 201)).toHaveLength(1);
    expect(differences(parameter('/v1/transfers', 'limit'), '50')).toHaveLength(1);
    expect(differences(parameter('/v1/transfers.csv', 'bom'), true)).toEqual([]);
    const [, batch] = operationAt('/v1/transfers/batch', 'POST');
    expect(differences(batch.parameters?.find(({ name }) => name === 'atomic')?.schema ?? {}, false)).toEqual([]);
    const pairs = [...JSON.stringify(document).matchAll(/"(\w+)":\{[^{}]*"type":"number"/g)].map(([, name]) => name);
    expect([...new Set(pairs)].sort()).toEqual(['rateAgeSeconds', 'tolerancePercent']);
  });

  it('countries and currencies are listed', () => {
    const [, create] = operationAt('/v1/transfers', 'POST');
    const body = create.requestBody?.content['application/json']?.schema as { properties: Record<string, { enum: string[] }> };
    for (const field of ['sourceCountry', 'destinationCountry']) {
      expect(body.properties[field]?.enum).toContain('CMR');
      // Two currencies: a transfer would have to name one.
      expect(body.properties[field]?.enum).not.toContain('COD');
    }
    expect(parameter('/v1/rates', 'from')).toMatchObject({ enum: expect.arrayContaining(['XAF', 'KES']) });
  });

  it('every amount and time of a transfer has an example that somebody would write', () => {
    type Form = { pattern?: string; format?: string; examples?: unknown[]; anyOf?: Form[] };
    const { Transfer } = (document.components as { schemas: Record<string, { properties: Record<string, Form> }> }).schemas;
    const forms = Object.values(Transfer?.properties ?? {}).flatMap((each) => each.anyOf ?? [each]);
    const decimal = String.raw`^-?\d+(\.\d+)?$`;
    const formed = forms.filter(({ pattern, format }) => pattern === decimal || format === 'date-time');
    expect(formed.length).toBeGreaterThan(8);
    for (const { examples } of formed) expect(examples).toHaveLength(1);
  });

  it('every body has an example that the document allows; the first makes a transfer', async () => {
    for (const { name, described } of operations()) {
      const content = described.requestBody?.content['application/json'];
      if (!content || name.includes('/maintenance/') || name.includes('/plugins/')) continue;
      expect(content.example, name).toBeDefined();
      expect(differences(content.schema, content.example), name).toEqual([]);
    }
    const [, create] = operationAt('/v1/transfers', 'POST');
    const example = create.requestBody?.content['application/json']?.example;
    expect((await api.ask('/v1/transfers/dry-run', { body: example })).body.outcome).toBe('would_send');
    expect((await api.ask('/v1/transfers', { body: example })).status).toBe(202);
  });
});

describe('the reference page', () => {
  it.each(['/docs', '/docs/'])('is served whole from here, to anybody: %s', async (path) => {
    const page = await api.ask(path, { token: null });
    expect(page.status).toBe(200);
    const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => String(match[1]));
    expect(sources).toHaveLength(4);
    for (const source of sources) {
      const { pathname } = new URL(source, api.url + path);
      expect((await api.ask(pathname, { token: null })).status).toBe(200);
    }
  });
});
