import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createLogger, readSettings } from '@kpay/runtime';
import { temporaryFolder } from '@kpay/testkit';
import { acceptTransfer } from '@kpay/transfers';
import { openAccount } from '@kpay/transfers/worker';
import { forbiddenLedger } from '../test-ledger.ts';
import type { ApiDocument } from './generate.ts';
import { adminToken, type ServedApi, serveApi } from './served-api.ts';
import { worstJson, worstTexts } from './worst-texts.ts';

/** The processor time that an input may cost until it is refused. */
export const MAX_MS = 200;

const LONGEST = 1_000_000;
/** Longer bodies are refused unread. */
const LONGEST_BODY = 99_000;
/** Longer headers, the query included, are refused unread, too. */
const LONGEST_HEADER = 15_000;
const TIMES = 3;

export interface Cost {
  door: string;
  input: string;
  /** The lowest processor time of three runs, after a first one. */
  ms: number;
}

type Refuse = () => Promise<void>;
type Measure = (door: string, input: string, refuse: Refuse) => Promise<void>;

/**
 * Sends the most expensive inputs to every entry point, and reports what each cost until it was refused, the most
 * expensive first.
 *
 * @throws when an input is not refused.
 */
export async function measureRefusals(): Promise<Cost[]> {
  const costs: Cost[] = [];
  const measureBy =
    (processorMs: () => Promise<number>): Measure =>
    async (door, input, refuse) => {
      await refuse();
      let best = Number.POSITIVE_INFINITY;
      // An input that is far from expensive is not measured again.
      for (let n = 0; n < TIMES && best > MAX_MS / 8; n += 1) {
        const beforeMs = await processorMs();
        await refuse();
        best = Math.min(best, (await processorMs()) - beforeMs);
      }
      costs.push({ door, input, ms: best });
    };
  const here = measureBy(async () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  });
  const api = await serveApi();
  try {
    const there = measureBy(async () => (await api.ask<{ ms: number }>('processor')).ms);
    await putThroughBatches(api, there);
    await putThroughBodies(api, there);
    await putThroughAddresses(api, there);
  } finally {
    await api.stop();
  }
  await putThroughJobs(here);
  await putThroughAnswers(here);
  await putThroughLogs(here);
  await putThroughSettings(here);
  return costs.sort((a, b) => b.ms - a.ms);
}

async function putThroughBatches({ url }: ServedApi, measure: Measure): Promise<void> {
  const send = (type: string, text: string) => async () => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': type };
    const answer = await fetch(`${url}/v1/transfers/batch`, { method: 'POST', headers, body: text });
    const { accepted } = (await answer.json()) as { accepted?: number };
    if (answer.status >= 500 || (answer.ok && accepted !== 0)) throw new Error(`a batch was answered ${answer.status}`);
  };
  const line = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000, externalId: 'order-1' };
  const lines: Record<string, string> = Object.fromEntries([
    ...worstTexts(LONGEST),
    ...worstJson(LONGEST),
    ...worstTexts(LONGEST).map(([name, text]) => [`${name} in a text`, JSON.stringify({ ...line, description: text })]),
    ...worstTexts(970).map(([name, text]) => [
      `a thousand lines with ${name}`,
      repeated(JSON.stringify({ ...line, description: text })),
    ]),
    ...worstJson(90_000).map(([name, text]) => [`ten lines with ${name}`, `${`{"metadata":${text}}\n`.repeat(10)}`]),
    ['a thousand amounts', repeated(JSON.stringify({ ...line, amount: '1'.repeat(850) }))],
    ['a thousand countries', repeated(JSON.stringify({ ...line, sourceCountry: 'C'.repeat(850) }))],
    ['lines of nothing', '{}\n'.repeat(LONGEST / 3)],
    ['a thousand lines of nothing', '{}\n'.repeat(1_000)],
  ]);
  for (const [name, text] of Object.entries(lines)) await measure('NDJSON', name, send('application/x-ndjson', text));
  const head = 'externalId,sourceCountry,destinationCountry,amount,description\n';
  const cells = {
    ...Object.fromEntries(worstTexts(LONGEST)),
    ...Object.fromEntries(worstTexts(LONGEST - 70).map(([name, text]) => [`${name} below a head`, head + text])),
    ...Object.fromEntries(worstTexts(LONGEST - 70).map(([name, text]) => [`${name} in quotes`, `${head}"${text}"`])),
    'rows of one cell': 'a\n'.repeat(LONGEST / 2),
    'rows of no cell': `a,b\n${',\n'.repeat(LONGEST / 2)}`,
    'columns of one letter': 'a,'.repeat(LONGEST / 2),
    'a hundred columns': `${Array.from({ length: 100 }, (_, n) => `metadata.${n}`).join(',')}\n${`${'x,'.repeat(99)}x\n`.repeat(1_000)}`,
    'quoted cells': `a\n${'"x",'.repeat(LONGEST / 4)}`,
  };
  for (const [name, text] of Object.entries(cells)) await measure('CSV', name, send('text/csv', text));
}

const repeated = (line: string) => `${line.slice(0, 999)}\n`.repeat(1_000);

async function putThroughBodies({ url }: ServedApi, measure: Measure): Promise<void> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as ApiDocument;
  const id = '00000000-0000-4000-8000-000000000000';
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const send = (path: string, body: string) => async () => {
    const answer = await fetch(url + path, { method: 'POST', headers, body });
    await answer.arrayBuffer();
    if (answer.status >= 500 || answer.ok) throw new Error(`${path} was answered ${answer.status}: ${body.slice(0, 100)}`);
  };
  const values = [
    ...worstTexts(LONGEST_BODY / 2).map(([name, text]): [string, string] => [name, JSON.stringify(text)]),
    ...worstJson(LONGEST_BODY),
  ];
  for (const [path, methods] of Object.entries(document.paths)) {
    const schema = methods.post?.requestBody?.content['application/json']?.schema;
    if (!schema) continue;
    const place = path.replaceAll('{id}', id);
    for (const [name, text] of worstJson(LONGEST_BODY)) await measure(`POST ${path}`, name, send(place, text));
    for (const field of fieldsOf(schema)) {
      for (const [name, text] of values) {
        const body = `{"${field}":${text}}`;
        if (Buffer.byteLength(body) < 100_000) await measure(`POST ${path}: ${field}`, name, send(place, body));
      }
    }
  }
  for (const [name, text] of worstTexts(LONGEST))
    await measure('POST /v1/transfers', `1 MB of ${name}`, send('/v1/transfers', text));
}

function fieldsOf({ properties = {}, anyOf = [], oneOf = [] }: Record<string, unknown>): string[] {
  const inner = [anyOf, oneOf].flat().flatMap((schema) => fieldsOf(schema as Record<string, unknown>));
  return [...new Set([...Object.keys(properties as object), ...inner])];
}

/** Queries, paths and headers as bytes, because an HTTP client would refuse to send some of them. */
async function putThroughAddresses({ url }: ServedApi, measure: Measure): Promise<void> {
  const { port } = new URL(url);
  const send = (path: string, headers: string) => async () => {
    const socket = connect(Number(port), '127.0.0.1').setEncoding('latin1');
    // The server may end a connection whose request it has refused while more of it arrives.
    socket.on('error', () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n\r\n`);
    let answer = '';
    socket.on('data', (chunk) => {
      answer = (answer + chunk).slice(0, 20);
    });
    await new Promise((resolve) => socket.once('close', resolve));
    if (/ 5\d\d /.test(answer)) throw new Error(`${path.slice(0, 100)} was answered ${answer}`);
  };
  const bearer = `authorization: Bearer ${adminToken}`;
  const written = (text: string) => encodeURIComponent(text).slice(0, LONGEST_HEADER).replace(/%.?$/, '');
  for (const [name, text] of worstTexts(LONGEST_HEADER)) {
    const value = written(text);
    for (const parameter of ['cursor', 'limit', 'account', 'reason', 'externalId', 'createdFrom', 'minAmount', 'corridor']) {
      await measure(`GET /v1/transfers?${parameter}`, name, send(`/v1/transfers?${parameter}=${value}`, bearer));
    }
    await measure('GET /v1/stream?after', name, send(`/v1/stream?after=x${value}`, bearer));
    await measure('GET /v1/transfers/{id}', name, send(`/v1/transfers/${value}`, bearer));
    await measure('GET /queues', name, send(`/queues/api/queues?activeQueue=${value}&page=${value.slice(0, 10)}`, bearer));
    const plain = text.replaceAll(/[^\x20-\x7e]/g, 'x');
    for (const header of [
      'authorization',
      'cookie',
      'idempotency-key',
      'if-match',
      'last-event-id',
      'accept',
      'accept-encoding',
      'content-type',
      'origin',
      'host',
      'x-forwarded-for',
      'traceparent',
      'tracestate',
      'baggage',
    ]) {
      const rest = header === 'authorization' ? '' : `\r\n${bearer}`;
      await measure(`header ${header}`, name, send('/v1/transfers?limit=0', `${header}: ${plain}${rest}`));
    }
    await measure('header authorization', `Bearer and ${name}`, send('/v1/transfers', `authorization: Bearer ${plain.trim()}`));
    await measure('header authorization', `Basic and ${name}`, send('/queues', `authorization: Basic ${plain.trim()}`));
  }
  for (const [name, query] of Object.entries({
    'many parameters': 'a=1&'.repeat(LONGEST_HEADER / 4),
    'one parameter many times': 'limit=1&'.repeat(LONGEST_HEADER / 8),
    brackets: `${'a[b]'.repeat(LONGEST_HEADER / 4)}=1`,
    '1 MB': 'a=1&'.repeat(LONGEST / 4),
  })) {
    await measure('GET /v1/transfers?', name, send(`/v1/transfers?${query}`, bearer));
    await measure('GET /queues?', name, send(`/queues/api/queues?${query}`, bearer));
  }
  await measure('headers', 'many', send('/v1/transfers?limit=0', `${bearer}\r\n${'a: 1\r\n'.repeat(2_000)}b: 1`));
  await measure('headers', '1 MB', send('/v1/transfers?limit=0', `${bearer}\r\nb: ${'1'.repeat(LONGEST)}`));
}

/** The data of a job as stored in Redis. */
async function putThroughJobs(measure: Measure): Promise<void> {
  const { ledger } = forbiddenLedger();
  const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
  const refuse = (data: string) => async () => {
    const order = { account: 'default', owner: 'queue', body: JSON.parse(data) };
    const accepted = await acceptTransfer(ledger, new Set(['default']), order).catch((error: Error) => error);
    // A value that is valid JSON reaches the ledger.
    if (!(accepted instanceof Error)) throw new Error(`not refused: ${data.slice(0, 100)}`);
    if (accepted.message.length > 1_000) throw new Error('an error is as long as the input');
  };
  const texts = worstTexts(LONGEST / 2).map(([name, text]): [string, string] => [name, JSON.stringify(text)]);
  const fields = [
    'externalId',
    'sourceCountry',
    'amount',
    'description',
    'minRate',
    'quoteId',
    'onInsufficientFunds',
    'notBefore',
    'priority',
    'metadata',
  ];
  for (const [name, text] of worstJson(LONGEST)) await measure('job', name, refuse(text));
  for (const field of fields) {
    for (const [name, text] of [...texts, ...worstJson(LONGEST)]) {
      const data = `${JSON.stringify(request).slice(0, -1)},"${field}":${text}}`;
      await measure(`job: ${field}`, name, refuse(data));
    }
  }
  for (const [name, text] of texts)
    await measure('job: a label', name, refuse(`${JSON.stringify(request).slice(0, -1)},"metadata":{${text}:"x"}}`));
}

/** Answers of KPay, or of somebody who pretends to be KPay. */
async function putThroughAnswers(measure: Measure): Promise<void> {
  let answered = '';
  const server = createServer((request, response) => {
    request.resume();
    const isToken = request.url?.includes('token') ?? false;
    const token = { accessToken: 'a.b.c', tokenType: 'Bearer', expiresIn: '1h', environment: 'TEST' };
    response.setHeader('content-type', 'application/json');
    response.end(isToken ? JSON.stringify(token) : answered);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const account = openAccount({
    name: 'default',
    apiKey: 'kpay_test_processor',
    secretKey: 'processor-secret',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    environment: 'TEST',
    rateLimitPerMinute: 100_000,
  });
  const { client } = account;
  const calls: Record<string, () => Promise<unknown>> = {
    balance: () => client.balance(),
    availability: () => client.availability(),
    exchangeRate: () => client.exchangeRate('XAF', 'XOF'),
    predictProvider: () => client.predictProvider('237653456789'),
    me: () => client.me(),
  };
  const answers = [
    ...worstTexts(LONGEST),
    ...worstTexts(LONGEST / 2).map(([name, text]): [string, string] => [
      `${name} in a text`,
      `{"message":${JSON.stringify(text)}}`,
    ]),
    ...worstJson(LONGEST),
  ];
  try {
    for (const [name, call] of Object.entries(calls)) {
      for (const [input, text] of answers) {
        await measure(`answer of KPay: ${name}`, input, async () => {
          answered = text;
          // A list without a readable item is empty.
          await call().catch(() => undefined);
        });
      }
    }
  } finally {
    await account.close();
    server.close();
  }
}

async function putThroughLogs(measure: Measure): Promise<void> {
  const logger = createLogger({ name: 'processor', secrets: ['a secret of the process'], destination: { write() {} } });
  for (const [name, text] of worstTexts(LONGEST)) {
    await measure('log', name, async () => logger.warn({ err: new Error(text), text, nested: { text, list: [text] } }, text));
  }
  for (const [name, text] of worstJson(LONGEST)) {
    const value: unknown = JSON.parse(text);
    await measure('log', name, async () => logger.warn({ value }, 'a value from outside'));
  }
}

async function putThroughSettings(measure: Measure): Promise<void> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'accounts.json');
  const refuse = (env: NodeJS.ProcessEnv) => async () => {
    try {
      readSettings(env);
    } catch (error) {
      if (error instanceof Error && error.name === 'SettingsError') return;
      throw error;
    }
    throw new Error(`not refused: ${JSON.stringify(env).slice(0, 100)}`);
  };
  try {
    const files = [
      ...worstTexts(LONGEST),
      ...worstJson(LONGEST - 20).flatMap(([name, text]): [string, string][] => [
        [name, text],
        [`${name} as accounts`, `{"accounts":${text}}`],
      ]),
    ];
    for (const [name, text] of files) {
      await measure('accounts file', name, async () => {
        writeFileSync(path, text, { mode: 0o600 });
        await refuse({ KPAY_ACCOUNTS_FILE: path })();
      });
    }
    const keys = { KPAY_API_KEY: 'kpay_test_processor', KPAY_SECRET_KEY: 'processor-secret' };
    const settings = [
      'KPAY_RATE_PAIRS',
      'KPAY_BASE_URL',
      'KPAY_SPEND_LIMITS',
      'KPAY_SEND_WINDOW',
      'KPAY_CORS_ORIGINS',
      'KPAY_OIDC_SCOPES',
      'ADMIN_API_PORT',
      'REDIS_URL',
    ];
    for (const name of settings) {
      // The system passes no longer value to a process.
      for (const [input, text] of worstTexts(130_000)) await measure(name, input, refuse({ ...keys, [name]: `${text}?` }));
    }
  } finally {
    folder.remove();
  }
}
