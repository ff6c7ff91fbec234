import { z } from 'zod';
import { type ProblemCode, problemSchema, statusOf } from '../problems/problem.ts';
import { IDEMPOTENCY_KEY } from './idempotency-key.ts';
import type { Operation } from './operation.ts';

type Json = Record<string, unknown>;

const OF_EVERY_OPERATION: readonly ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'too_many_requests',
  'internal_error',
  'ledger_unavailable',
  'issuer_unavailable',
];
const OF_BODIES: readonly ProblemCode[] = ['malformed_json', 'body_too_large', 'unsupported_media_type', 'too_much_at_once'];

/**
 * The API as an OpenAPI 3.1 document, made from the descriptions by which it is served.
 *
 * @param account the name of an account, for the examples.
 */
export function openApiDocument(operations: readonly Operation[], account: string): Json {
  const schemas: Json = {};
  // A schema with a name is described once and referenced.
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), { io });
    for (const [name, definition] of Object.entries($defs)) schemas[name] = withoutId(refersToComponents(definition));
    return refersToComponents(properties?.it);
  };
  const paths: Record<string, Json> = {
    '/healthz': health('It runs.'),
    '/readyz': health('It can serve.', 'It cannot, and why.'),
  };
  for (const operation of operations) {
    const path = `/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method]: operationOf(operation, schemaOf, account) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'KPay treasury operations',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Moves money between the wallets of a KPay account, each transfer with one effect or none. Amounts and rates are decimal strings in answers; requests take numbers or strings. Errors are RFC 9457 problems: `code` says what is wrong, `safeToRetry` whether the same request may be repeated, `moneyMoved` what is known of the money.',
    },
    // Relative to the document, so that it is also right below a proxy's path.
    servers: [{ url: './' }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, streamToken } },
  };
}

const streamToken = {
  type: 'apiKey',
  in: 'query',
  name: 'token',
  description: 'Of POST /v1/stream-tokens. Only the stream takes one.',
};

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Json;

function operationOf(
  {
    name,
    summary,
    path,
    scope,
    query,
    body,
    lines,
    idempotent,
    conditional,
    resumable,
    streamToken,
    answer,
    example,
    problems,
  }: Operation,
  schemaOf: SchemaOf,
  account: string,
): Json {
  const codes = [
    ...OF_EVERY_OPERATION,
    ...(body || lines ? OF_BODIES : []),
    ...(path.includes('{id}') ? (['not_found'] as const) : []),
  ];
  const parameters = [
    ...(path.includes('{id}') ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }] : []),
    ...(query ? queryParameters(schemaOf(query, 'input')) : []),
    ...(idempotent ? [idempotencyKey] : []),
    ...(conditional ? [ifMatch] : []),
    ...(resumable ? [lastEventId] : []),
  ];
  return {
    operationId: name,
    tags: [path.split('/')[1]],
    summary,
    description: `Needs a key with the scope \`${scope}\`.`,
    security: [{ bearer: [scope] }, ...(streamToken ? [{ streamToken: [] }] : [])],
    ...(parameters.length > 0 && { parameters }),
    ...(lines && { requestBody: { required: true, content: linesOf(lines.types, schemaOf(lines.line, 'input')) } }),
    ...(body && {
      requestBody: {
        required: !body.safeParse({}).success,
        content: { 'application/json': { schema: schemaOf(body, 'input'), ...(example && { example: example(account) }) } },
      },
    }),
    responses: {
      [answer.status]: {
        description: 'As asked.',
        ...((answer.location ?? answer.versioned) && {
          headers: { ...(answer.location && { location }), ...(answer.versioned && { etag }) },
        }),
        content: { [answer.type ?? 'application/json']: { schema: schemaOf(answer.schema, 'output') } },
      },
      ...problemResponses(
        [...new Set([...codes, ...(conditional ? (['precondition_failed'] as const) : []), ...(problems ?? [])])],
        schemaOf(problemSchema, 'output'),
      ),
    },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same body always returns the same transfer.',
  schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
};

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag that the client has seen. If it has changed since, nothing is done.',
  schema: { type: 'string' },
};
const lastEventId = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that the client has seen. The stream begins with the event after it.',
  schema: { type: 'string', pattern: '^[0-9]{1,18}$' },
};
const location = {
  schema: { type: 'string', format: 'uri-reference' },
  description: 'The address of the new object, relative to the address of this request.',
};
const etag = { schema: { type: 'string' }, description: 'The version of the transfer, for If-Match.' };

function queryParameters({ properties = {}, required = [] }: Json): Json[] {
  return Object.entries(properties as Record<string, Json>).map(([name, schema]) => ({
    name,
    in: 'query',
    required: (required as string[]).includes(name),
    ...(schema.deprecated === true && { deprecated: true }),
    schema,
  }));
}

function problemResponses(codes: readonly ProblemCode[], schema: Json): Json {
  const byStatus = Object.groupBy(codes, (code) => statusOf(code));
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, ofStatus = []]) => [
      status,
      { description: ofStatus.map((code) => `\`${code}\``).join(', '), content: { 'application/problem+json': { schema } } },
    ]),
  );
}

function health(ok: string, not?: string): Json {
  const text = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' } } } });
  return {
    get: {
      tags: ['health'],
      security: [],
      summary: ok,
      responses: { 200: text(ok), ...(not !== undefined && { 503: text(not) }) },
    },
  };
}

/** OpenAPI 3.1 has no schema for lines. So they are described as text, with the schema of a line beside it. */
function linesOf(types: readonly string[], line: Json): Json {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' }, 'x-line': line }]));
}

function refersToComponents(schema: unknown): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function withoutId({ id: _, ...schema }: Json): Json {
  return schema;
}
