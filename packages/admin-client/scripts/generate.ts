/** A JSON schema as the OpenAPI document has it: the words that its descriptions use. */
interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  deprecated?: boolean;
}

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  deprecated?: boolean;
  schema: Schema;
}

type Content = Readonly<Record<string, { schema: Schema }>>;

interface Described {
  operationId?: string;
  summary?: string;
  parameters?: readonly Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Readonly<Record<string, { content?: Content }>>;
}

export interface OpenApiDocument {
  paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
}

const HEAD = `// Generated from the admin API's OpenAPI document. Do not edit: run npm run admin-client.
// apps/admin-api/test/admin-client.test.ts compares this file with the document.
`;

/**
 * Writes the TypeScript of an OpenAPI document: an interface for each named schema, `Operations` with what each operation
 * takes and answers, and `operations` with what a client has to know to call it.
 *
 * @throws Error on a schema that it does not know: a type that is too wide would pass for one that is right.
 */
export function typesOf({ paths, components }: OpenApiDocument): string {
  const schemas = Object.entries(components.schemas)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `${comment(schema.description)}export ${declare(name, schema)}\n`);
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation.operationId === undefined ? [] : [{ ...operation, name: operation.operationId, path, method }],
    ),
  );
  const operations = described.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = [
    HEAD,
    ...schemas,
    '/** What each operation takes and answers. */',
    'export interface Operations {',
    ...operations.map(({ name, ...operation }) => `${comment(operation.summary)}${name}: ${operationType(operation)};`),
    '}\n',
    '/** How each operation is called. `repeatable`: it takes an Idempotency-Key, so sending it again does no harm. */',
    'export const operations = {',
    ...operations.map(({ name, ...operation }) => `${name}: ${JSON.stringify(callOf(operation))},`),
    '} as const;\n',
  ];
  return indent(lines.join('\n'));
}

/** Two spaces for each brace that is open. Comments can have braces of their own. */
function indent(text: string): string {
  let depth = 0;
  return text
    .split('\n')
    .map((line) => {
      const code = line.startsWith('/*') || line.startsWith('//') ? '' : line;
      if (/^\}/.test(code)) depth -= 1;
      const indented = line === '' ? '' : '  '.repeat(depth) + line;
      const opened = (code.match(/\{/g)?.length ?? 0) - (code.match(/\}/g)?.length ?? 0);
      depth += /^\}/.test(code) ? opened + 1 : opened;
      return indented;
    })
    .join('\n');
}

function declare(name: string, schema: Schema): string {
  if (schema.properties) return `interface ${name} ${typeOf(schema)}`;
  return `type ${name} = ${typeOf(schema)};`;
}

function callOf({ method, path, parameters = [], requestBody, responses }: Described & { method: string; path: string }) {
  const [type = 'application/json'] = Object.keys(answerOf(responses));
  return {
    method: method.toUpperCase(),
    path,
    repeatable: method === 'get' || parameters.some(({ name }) => name === 'Idempotency-Key'),
    // What a body is sent as; lines are given as text.
    sends: requestBody === undefined ? null : Object.keys(requestBody.content).includes('application/json') ? 'json' : 'text',
    answers: type === 'application/json' ? 'json' : 'text',
  };
}

function operationType({ parameters = [], requestBody, responses }: Described): string {
  const query = parameters.filter((each) => each.in === 'query');
  const headers = parameters.filter((each) => each.in === 'header');
  const fields = [
    parameters.some((each) => each.in === 'path') ? 'id: string;' : '',
    query.length === 0 ? '' : group('query', query),
    headers.length === 0 ? '' : group('headers', headers),
    requestBody === undefined ? '' : `body${requestBody.required === true ? '' : '?'}: ${bodyType(requestBody.content)};`,
    requestBody?.content['application/json'] || requestBody === undefined
      ? ''
      : `type: ${quoted(Object.keys(requestBody.content))};`,
  ];
  const [answer = {}] = Object.values(answerOf(responses));
  return `{ request: { ${fields.filter((field) => field !== '').join(' ')} }; answer: ${'schema' in answer ? typeOf(answer.schema as Schema) : 'undefined'} }`;
}

function group(name: string, parameters: readonly Parameter[]): string {
  const optional = parameters.every(({ required = false }) => !required);
  const fields = parameters.map(({ name: field, required = false, description, deprecated, schema }) => {
    const text = description ?? schema.description;
    const type = `${typeOf(schema)}${required ? '' : ' | undefined'}`;
    return `${comment(text, deprecated ?? schema.deprecated)}${key(field)}${required ? '' : '?'}: ${type};`;
  });
  return `${name}${optional ? '?' : ''}: {\n${fields.join('\n')}\n}${optional ? ' | undefined' : ''};`;
}

function bodyType(content: Content): string {
  const json = content['application/json'];
  return json ? typeOf(json.schema) : 'string';
}

/** Of the one status that is not a problem. */
function answerOf(responses: Described['responses']): Content {
  const good = Object.keys(responses).filter((status) => /^2/.test(status));
  if (good.length !== 1) throw new Error(`an operation has ${good.length} answers that are no problem`);
  return responses[good[0] ?? '']?.content ?? {};
}

function typeOf(schema: Schema): string {
  const { $ref, enum: values, oneOf, anyOf, type, items, additionalProperties } = schema;
  if ($ref !== undefined) return $ref.replace('#/components/schemas/', '');
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  const either = oneOf ?? anyOf;
  if (either) return [...new Set(either.map((each) => typeOf(each)))].join(' | ');
  if (Array.isArray(type)) return type.map((each: string) => typeOf({ ...schema, type: each })).join(' | ');
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly (${items ? typeOf(items) : 'unknown'})[]`;
    case 'object':
      if (schema.properties) return objectType(schema);
      return `Readonly<Record<string, ${typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown'}>>`;
    case undefined:
      return 'unknown';
    default:
      throw new Error(`a schema has the type ${JSON.stringify(type)}, which is not known here`);
  }
}

function objectType({ properties = {}, required = [] }: Schema): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const needed = required.includes(name);
    const type = `${typeOf(schema)}${needed ? '' : ' | undefined'}`;
    return `${comment(schema.description, schema.deprecated)}${key(name)}${needed ? '' : '?'}: ${type};`;
  });
  return `{\n${fields.join('\n')}\n}`;
}

function key(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name}'`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(' | ');
}

function comment(text: string | undefined, deprecated = false): string {
  const words = [text?.replaceAll('*/', '* /'), deprecated ? '@deprecated' : undefined].filter((each) => each !== undefined);
  return words.length === 0 ? '' : `/** ${words.join(' ')} */\n`;
}
