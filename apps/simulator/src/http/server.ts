import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Control, ControlParts } from '../control/control.ts';
import { answerControl } from '../control/control-routes.ts';
import { type Answer, errorAnswer } from '../model/answer.ts';
import type { Application } from '../model/application.ts';
import { answerRequest, type EndpointName, type EndpointRequest, findEndpoint } from '../model/endpoints.ts';
import type { RequestRecord } from '../model/request-log.ts';
import { carryOut, type Ending } from './carry-out.ts';

export interface ServerParts extends ControlParts {
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Waited before every answer. */
  latencyMs: number;
  control: Control;
  /** Aborted when the simulator closes: whatever waits ends, and applies nothing any more. */
  closing: AbortSignal;
}

const maximumBodyBytes = 65_536;
const tokenLifetimeMs = 30 * 60_000;

/** The thin layer between the model and the wire. */
export function createKpayServer(parts: ServerParts): Server {
  // As long as common proxies keep it: a server that closes idle connections early makes outcomes unknown by itself.
  return createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    serve(parts, request, response).catch((error: unknown) => {
      if (parts.closing.aborted || response.destroyed || response.headersSent) return;
      writeAnswer(response, errorAnswer(500, error instanceof Error ? error.message : 'Internal server error'));
    });
  });
}

async function serve(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const query = new URLSearchParams(search);
  if (path !== '/__sim' && !path.startsWith('/__sim/')) return serveApi(parts, request, response, path, query);
  const body = await readBody(request);
  const answer = body ? answerControl(parts.control, request, path, query, body.toString()) : bodyTooLarge();
  return writeAnswer(response, answer);
}

async function serveApi(
  parts: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const { log } = parts;
  const method = request.method ?? 'GET';
  const endpoint = findEndpoint(method, path);
  const record = log.open(method, path, endpoint ?? null, parts.now());
  response.on('close', () => log.close(record, 'client_gone'));

  // Counted by its head: a request whose body never ends was received too.
  const { application, authenticated } = await identify(parts, request, endpoint);
  const refused = countReceipt(parts, record, application);
  const bytes = await readBody(request);
  if (refused || !bytes) return finish(parts, response, record, { kind: 'answer', answer: refused ?? bodyTooLarge() });

  const body = parseBody(request, bytes);
  const fields = typeof body?.json === 'object' && body.json !== null ? (body.json as Record<string, unknown>) : {};
  const externalId = typeof fields.externalId === 'string' ? fields.externalId : undefined;
  log.describeBody(record, externalId, bytes.length > 0 ? createHash('sha256').update(bytes).digest('hex') : null);

  const chosen = parts.faults.choose({
    endpoint,
    method,
    // A fault that holds or burns ids must not be had without a valid token.
    applicationId: authenticated ? application?.id : undefined,
    countries: [fields.sourceCountry, fields.destinationCountry],
    externalId,
  });
  record.fault = chosen?.fault.kind ?? null;

  const asked: EndpointRequest = {
    method,
    path,
    endpoint,
    query,
    body,
    application,
    authenticated,
    accessToken: endpoint === 'token' && application && authenticated ? await issueToken(parts, application) : undefined,
  };
  const ofTransfer = <T>(act: (owner: Application, id: string) => T): T | undefined =>
    application && externalId !== undefined ? act(application, externalId) : undefined;
  const ending = await carryOut(chosen, {
    serve: (balanceRows = 'per_currency') => answerRequest(parts.kpay, asked, balanceRows),
    wait: (ms) => wait(parts, ms),
    holdId: () => ofTransfer((owner, id) => parts.kpay.holdId(owner, id)) ?? false,
    releaseId: () => ofTransfer((owner, id) => parts.kpay.releaseId(owner, id)),
    burnId: () => ofTransfer((owner, id) => parts.kpay.burnId(owner, id)),
  });
  await finish(parts, response, record, ending);
}

/** Whose request it is, by key or by token, and whether it may act. An unknown route is known by its key. */
async function identify(
  { kpay, tokens, now }: ServerParts,
  request: IncomingMessage,
  endpoint: EndpointName | undefined,
): Promise<{ application: Application | undefined; authenticated: boolean }> {
  if (endpoint === 'transfer') {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const owner = token === undefined ? undefined : await tokens.read(token, now());
    const application = owner && kpay.findById(owner.applicationId);
    return { application, authenticated: application !== undefined && owner?.valid === true };
  }
  const application = kpay.findByKey(String(request.headers['x-api-key'] ?? ''));
  return { application, authenticated: application?.secretKey === request.headers['x-secret-key'] };
}

/** Counts the request for its key; answers the 429 when the limit refuses it. Without a known key nothing is limited. */
function countReceipt(parts: ServerParts, record: RequestRecord, application: Application | undefined): Answer | undefined {
  if (!application) return undefined;
  const { kpay, log, limits, rateLimit } = parts;
  const at = parts.now();
  const windowMs = limits.windowMs / kpay.timeScale;
  record.applicationId = application.id;
  log.countReceipt(application.id, at, windowMs);
  const waitMs = rateLimit.admit(application.apiKey, at, application.limit ?? limits.limit, windowMs);
  if (waitMs === undefined) return undefined;
  log.counts.refusedByLimit += 1;
  const headers = limits.retryAfter ? { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) } : {};
  return errorAnswer(429, 'Rate limit exceeded', headers);
}

function issueToken({ tokens, kpay, now }: ServerParts, application: Application): Promise<string> {
  return tokens.issue(application, now(), tokenLifetimeMs / kpay.timeScale);
}

async function finish(parts: ServerParts, response: ServerResponse, record: RequestRecord, ending: Ending): Promise<void> {
  const { log, latencyMs } = parts;
  if (ending.kind === 'answer' || ending.kind === 'truncate') log.decide(record, ending.answer.status);
  await wait(parts, latencyMs);
  switch (ending.kind) {
    case 'answer':
      if (response.destroyed) return;
      log.close(record, 'answered');
      writeAnswer(response, ending.answer);
      return;
    case 'truncate':
      log.close(record, 'truncated');
      writeHalf(response, ending.answer);
      return;
    case 'drop':
      log.close(record, 'dropped');
      if (ending.reset) response.socket?.resetAndDestroy();
      else response.socket?.destroy();
      return;
    case 'hang':
      // Nothing to do: the record closes when the client goes or the server closes its connections.
      return;
  }
}

function encode(answer: Answer): { head: Record<string, string | number>; body: Buffer } {
  const isText = typeof answer.body === 'string';
  const body = Buffer.from(isText ? String(answer.body) : JSON.stringify(answer.body));
  const contentType = `${answer.contentType ?? (isText ? 'text/plain' : 'application/json')}; charset=utf-8`;
  return { head: { ...answer.headers, 'content-type': contentType, 'content-length': body.length }, body };
}

function writeAnswer(response: ServerResponse, answer: Answer): void {
  const { head, body } = encode(answer);
  response.writeHead(answer.status, head).end(body);
}

function writeHalf(response: ServerResponse, answer: Answer): void {
  const { head, body } = encode(answer);
  response.writeHead(answer.status, head);
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

function bodyTooLarge(): Answer {
  return errorAnswer(413, 'request entity too large', { connection: 'close' });
}

/** Undefined when it is larger than we read; the rest is then thrown away, not kept. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maximumBodyBytes) chunks.push(chunk);
  }
  return length <= maximumBodyBytes ? Buffer.concat(chunks) : undefined;
}

/** A body that does not say it is JSON counts as empty, as body parsers have it. */
function parseBody(request: IncomingMessage, bytes: Buffer): { json: unknown } | undefined {
  if (bytes.length === 0 || !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return { json: {} };
  try {
    return { json: JSON.parse(bytes.toString()) };
  } catch {
    return undefined;
  }
}

async function wait({ sleep, closing }: ServerParts, ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, closing);
}
