/** A request as it is sent over the wire. */
export interface Generated {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: Buffer;
  /** The body comes in pieces, and so slowly that it may never be complete. */
  slow?: true;
}

type Schema = Record<string, unknown>;
interface Described {
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
export interface ApiDocument {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
}

const LARGE_BYTES = 10_000_000;
const KNOWN: Record<string, readonly unknown[]> = {
  account: ['default', 'other'],
  sourceCountry: ['CMR', 'KEN', 'COD', 'XXX'],
  destinationCountry: ['GAB', 'SEN', 'UGA'],
  currency: ['XAF', 'KES'],
  amount: [100, 50_000, '50000.00', '1500.50'],
  from: ['XAF', 'XOF'],
  to: ['XOF', 'KES'],
  limit: ['1', '50', '200'],
  minRate: ['0.9', 1],
  metadata: [{ team: 'north' }, {}],
  notBefore: ['2026-11-25T12:00:00Z'],
  hours: [1, 24],
  owner: ['till', 'ann'],
  description: ['rent for +237 6 53 45 67 89', 'invoice 7'],
  addressRanges: [['10.0.0.0/8']],
  cursor: ['eyJhIjoxfQ'],
};
const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '💸🇨🇲👩‍👩‍👧‍👦',
  'مرحبا‮abc',
  'é'.repeat(300),
  "'; drop table kpay.transfers; --",
  '=cmd|calc',
  '$' + '{jndi:ldap://x}',
  '../../etc/passwd',
  '%00%ff',
  '237653456789',
  'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.',
  'null',
  'NaN',
  '9'.repeat(400),
  '1e309',
  '-0',
  '0x10',
  '1'.repeat(100_000),
];
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.1,
  1e308,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  { a: 1 },
  [null],
  { toString: 1, constructor: { prototype: {} } },
  ...ODD_TEXTS,
];
const ODD_HEADERS: readonly Record<string, string>[] = [
  { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.' },
  { authorization: `Bearer ${'x'.repeat(8_000)}` },
  { authorization: 'Basic YWRtaW46YWRtaW4=' },
  { authorization: `Bearer kops_0123456789_${'a'.repeat(49)}` },
  { 'idempotency-key': ' ' },
  { 'idempotency-key': 'k'.repeat(5_000) },
  { 'idempotency-key': '237653456789' },
  { 'if-match': '"1"' },
  { 'if-match': 'W/"x", "y", *' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'application/json; charset=' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'multipart/form-data; boundary=x' },
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'br' },
  { accept: 'text/csv' },
  { accept: 'application/x-ndjson, */*;q=0' },
  { 'last-event-id': '18446744073709551616' },
  { 'x-forwarded-for': '10.0.0.1, 127.0.0.1' },
  { expect: '100-continue' },
  { range: 'bytes=0-' },
  { connection: 'close' },
];
const METHODS = ['HEAD', 'PUT', 'PATCH', 'OPTIONS', 'DELETE', 'POST', 'GET', 'TRACE', 'PROPFIND'];

/** Requests from the API's own document, most of them changed into invalid or hostile ones. */
export function createGenerator(document: ApiDocument, adminToken: string, random: () => number): (index: number) => Generated {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ path, method: method.toUpperCase(), described })),
  );
  const chance = (share: number) => random() < share;
  const pick = <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  };

  const valueFor = (schema: Schema, name: string, index: number): unknown => {
    const known = KNOWN[name];
    if (known) return pick(known);
    if (name === 'externalId') return `order-${index}`;
    const ref = /^#\/components\/schemas\/(.+)$/.exec(String(schema.$ref ?? ''))?.[1];
    if (ref !== undefined) return valueFor(document.components.schemas[ref] ?? {}, name, index);
    const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
    if (choices) return valueFor(pick(choices), name, index);
    if (schema.const !== undefined) return schema.const;
    if (Array.isArray(schema.enum)) return pick(schema.enum);
    switch (schema.type) {
      case 'object': {
        const needed = new Set((schema.required as string[] | undefined) ?? []);
        const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
        return Object.fromEntries(
          fields
            .filter(([field]) => needed.has(field) || chance(0.3))
            .map(([field, inner]) => [field, valueFor(inner, field, index)]),
        );
      }
      case 'array':
        return [valueFor((schema.items ?? {}) as Schema, name, index)];
      case 'integer':
      case 'number':
        return Number(schema.minimum ?? 1);
      case 'boolean':
        return chance(0.5);
      default:
        if (schema.format === 'date-time') return new Date(Date.now() + 3_600_000).toISOString();
        if (schema.format === 'uuid') return '00000000-0000-4000-8000-000000000000';
        return 'text';
    }
  };

  const spoil = (value: unknown, depth = 0): unknown => {
    if (typeof value !== 'object' || value === null || depth > 4 || chance(0.2)) return pick(ODD_VALUES);
    const entries = Object.entries(value);
    if (entries.length === 0 || chance(0.2)) return { ...value, [pick(ODD_TEXTS).slice(0, 50)]: pick(ODD_VALUES) };
    const [field, inner] = pick(entries);
    if (chance(0.15)) return Object.fromEntries(entries.filter(([name]) => name !== field));
    return Array.isArray(value) ? [...value, spoil(inner, depth + 1)] : { ...value, [field]: spoil(inner, depth + 1) };
  };

  /** Changes at the level of bytes. */
  const spoilText = (text: string): Buffer => {
    const at = Math.floor(random() * text.length);
    switch (Math.floor(random() * 12)) {
      case 0:
        return Buffer.from(text.slice(0, at));
      case 1: {
        const bytes = Buffer.from(text);
        for (let n = 0; n < 3 && bytes.length > 0; n += 1)
          bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        return bytes;
      }
      case 2:
        // Each field twice, the second time with another value.
        return Buffer.from(text.replace(/"(\w+)":/g, `"$1":${JSON.stringify(pick(ODD_VALUES))?.slice(0, 200) ?? 1},"$1":`));
      case 3:
        return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
      case 4:
        return Buffer.from(text, 'utf16le');
      case 5:
        return Buffer.from(text.replaceAll('"', "'"));
      case 6:
        return Buffer.from(text.replace(/:\s*("[^"]*"|\d+)/, ':NaN'));
      case 7:
        return Buffer.from(text.replace('{', '{"__proto__":{"owner":"admin","scopes":["keys"]},'));
      case 8:
        return Buffer.from(`${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`);
      case 9:
        return Buffer.from(text.replace('{', `{"deep":${'['.repeat(40_000)}${']'.repeat(40_000)},`));
      case 10:
        return Buffer.concat([
          Buffer.from(text.slice(0, at)),
          Buffer.from([0xc3, 0x28, 0xff, 0xfe]),
          Buffer.from(text.slice(at)),
        ]);
      default:
        return Buffer.from(text + text);
    }
  };

  const queryOf = (parameters: Described['parameters'] = []): string => {
    const parts = parameters
      .filter((parameter) => parameter.in === 'query' && chance(0.4))
      .map(({ name, schema }) => {
        const value = chance(0.5) ? pick(ODD_TEXTS).slice(0, 2_000) : String(valueFor(schema, name, 0));
        return `${name}=${encodeURIComponent(value.toWellFormed())}`;
      });
    if (chance(0.1))
      parts.push(pick(['a[b]=1', 'limit=1&limit=2', '%E0%A4%A', 'x'.repeat(5_000), '__proto__=1', '&&&==', 'limit[]=1']));
    return parts.length > 0 ? `?${parts.join('&')}` : '';
  };

  return (index) => {
    const { path, method, described } = pick(operations);
    const id = () =>
      encodeURIComponent(chance(0.5) ? '00000000-0000-4000-8000-000000000000' : pick(ODD_TEXTS).slice(0, 1_000).toWellFormed());
    const generated: Generated = {
      method: chance(0.1) ? pick(METHODS) : method,
      path: path.replaceAll(/\{\w+\}/g, id) + queryOf(described.parameters),
      headers: { authorization: `Bearer ${adminToken}`, ...(chance(0.3) && { 'idempotency-key': `key-${index}` }) },
    };
    if (chance(0.03))
      generated.path = pick([
        '/v1/%',
        '/v1//',
        '/..%2f',
        '/v1/transfers/%c0%ae',
        `/v1/${'x'.repeat(3_000)}`,
        '//evil',
        '/queues/%2e%2e',
      ]);
    const content = Object.entries(described.requestBody?.content ?? {});
    if (content.length > 0 || chance(0.05)) {
      const [type, { schema }] = content.length > 0 ? pick(content) : ['application/json', { schema: {} }];
      generated.headers['content-type'] = type;
      const whole = valueFor(schema, '', index);
      const value = chance(0.6) ? spoil(whole) : whole;
      const json = JSON.stringify(value) ?? 'null';
      const text = type.includes('json') ? json : `${Object.keys(Object(whole)).join(',')}\n${json}\n${pick(ODD_TEXTS)}\n`;
      generated.body = chance(0.3) ? spoilText(text) : Buffer.from(text);
      if (chance(0.002)) generated.body = Buffer.from(`{"description":"${'x'.repeat(LARGE_BYTES)}"}`);
      if (chance(0.005)) generated.slow = true;
    }
    if (chance(0.3)) Object.assign(generated.headers, pick(ODD_HEADERS));
    if (chance(0.03)) delete generated.headers.authorization;
    return generated;
  };
}
