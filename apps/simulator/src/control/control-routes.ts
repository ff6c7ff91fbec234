import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { type Answer, errorAnswer, Refusal } from '../model/answer.ts';
import { parseInput } from '../model/parse-input.ts';
import type { Control } from './control.ts';

interface ControlRoute {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  does: string;
  /** Every operation parses its input itself, so the route may hand over whatever came. */
  run: (control: Control, input: never) => unknown;
}

const TimeScaleBodySchema = z.strictObject({ timeScale: z.number() });
const CachingBodySchema = z.strictObject({ caching: z.boolean() });
const ClockBodySchema = z.strictObject({ advanceMs: z.number() });

const routes: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/truth',
    does: 'transfers, requests, balances; ?requests=0&transfers=100&transfersAfter=0&externalId=…',
    run: (c, i) => c.truth(i),
  },
  { method: 'GET', path: '/money', does: 'whether money is conserved', run: (c) => c.checkMoney() },
  {
    method: 'POST',
    path: '/balance',
    does: '{country, currency?, balance, reservedBalance?, applicationId?}',
    run: (c, i) => c.setBalance(i),
  },
  { method: 'POST', path: '/rate', does: '{from, to, rate, keepCache?}', run: (c, i) => c.setRate(i) },
  {
    method: 'POST',
    path: '/availability',
    does: '{country, provider, operationType, status, keepCache?}',
    run: (c, i) => c.setAvailability(i),
  },
  {
    method: 'POST',
    path: '/time-scale',
    does: '{timeScale}',
    run: (c, i) => c.setTimeScale(parseInput(TimeScaleBodySchema, i).timeScale),
  },
  {
    method: 'POST',
    path: '/caching',
    does: '{caching: true|false}',
    run: (c, i) => c.setCaching(parseInput(CachingBodySchema, i).caching),
  },
  {
    method: 'POST',
    path: '/clock',
    does: '{advanceMs}: the simulated time goes on by this much',
    run: (c, i) => c.advanceClock(parseInput(ClockBodySchema, i).advanceMs),
  },
  { method: 'POST', path: '/limit', does: '{limit?, windowMs?, retryAfter?}', run: (c, i) => c.setLimit(i) },
  {
    method: 'POST',
    path: '/applications',
    does: '{apiKey, secretKey, id?, name?, companyId?, companyName?, limit?, wallets?}',
    run: (c, i) => c.addApplication(i),
  },
  { method: 'GET', path: '/faults', does: 'the rules and how often each fired', run: (c) => c.listFaults() },
  {
    method: 'POST',
    path: '/faults',
    does: '{match?, probability?, times?, seed?, fault: {kind, …}}',
    run: (c, i) => c.addFault(i),
  },
  { method: 'DELETE', path: '/faults', does: 'removes them all', run: (c) => c.clearFaults() },
  {
    method: 'POST',
    path: '/rotate-keys',
    does: '{apiKey, secretKey, applicationId?}: the old ones are answered 401',
    run: (c, i) => c.rotateKeys(i),
  },
  { method: 'POST', path: '/revoke-tokens', does: 'every token issued so far is answered 401', run: (c) => c.revokeTokens() },
  {
    method: 'POST',
    path: '/undo-transfer',
    does: '{id, status: FAILED|CANCELLED}: money back, externalId free',
    run: (c, i) => c.undoTransfer(i),
  },
  { method: 'POST', path: '/reset', does: 'as it was opened', run: (c) => c.reset() },
];

const index = {
  what: "The control API of a simulated KPay. KPay's own API is under /api.",
  operations: [
    ...routes.map(({ method, path, does }) => `${method} /__sim${path} ${does}`),
    'DELETE /__sim/faults/<id> removes one',
  ],
};

/**
 * Answers one request to /__sim. Only processes of this machine are heard: a peer, Host or Origin that is not loopback
 * gets 403, so that a web page cannot play with a developer's simulator.
 */
export function answerControl(
  control: Control,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  body: string,
): Answer {
  if (!isLocal(request)) return errorAnswer(403, 'the control API answers this machine only');
  const method = request.method ?? 'GET';
  const operation = path.slice('/__sim'.length).replace(/\/$/, '');
  if (method === 'GET' && operation === '') return { status: 200, body: index };
  try {
    const single = /^\/faults\/(\d+)$/.exec(operation);
    if (method === 'DELETE' && single) return done(control.removeFault(Number(single[1])));
    const route = routes.find((each) => each.method === method && each.path === operation);
    if (!route) return errorAnswer(404, `no operation ${method} ${path}; GET /__sim lists them`);
    const input: unknown = method === 'GET' ? Object.fromEntries(query) : readJson(body);
    return done(route.run(control, input as never));
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error.status, error.messages);
    throw error;
  }
}

function done(result: unknown): Answer {
  return { status: 200, body: result ?? { done: true } };
}

function readJson(body: string): unknown {
  if (body.trim() === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new Refusal(400, 'the body is no JSON');
  }
}

function isLocal(request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  return (
    isLoopback(request.socket.remoteAddress ?? '') &&
    isLoopback(hostnameOf(`http://${host ?? ''}`)) &&
    (origin === undefined || isLoopback(hostnameOf(origin)))
  );
}

function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}
