import { type Answer, errorAnswer, Refusal } from './answer.ts';
import type { Application } from './application.ts';
import type { BalanceRows, Kpay } from './kpay.ts';
import { predictProvider } from './predict-provider.ts';
import type { TransferRecord } from './truth-event.ts';

export const endpointNames = ['me', 'token', 'exchange-rate', 'predict-provider', 'availability', 'balance', 'transfer'] as const;
/** The seven endpoints, as faults and the request log name them. */
export type EndpointName = (typeof endpointNames)[number];

const routes: ReadonlyMap<string, EndpointName> = new Map([
  ['GET /api/v1/payments/me', 'me'],
  ['POST /api/v1/payments/token', 'token'],
  ['GET /api/v1/payments/exchange-rate', 'exchange-rate'],
  ['POST /api/v1/payments/predict-provider', 'predict-provider'],
  ['GET /api/v1/payments/availability', 'availability'],
  ['GET /api/v1/payments/balance', 'balance'],
  ['POST /api/wallets/transfer', 'transfer'],
]);

export function findEndpoint(method: string, path: string): EndpointName | undefined {
  return routes.get(`${method} ${path}`);
}

/** A request after its transport: whose it is, whether the credentials hold, and what it says. */
export interface EndpointRequest {
  method: string;
  path: string;
  endpoint: EndpointName | undefined;
  query: URLSearchParams;
  /** Undefined when the body is no JSON at all. */
  body: { json: unknown } | undefined;
  application: Application | undefined;
  authenticated: boolean;
  /** A fresh token for the application, made beforehand because signing is asynchronous. */
  accessToken: string | undefined;
}

/** What KPay answers, refusals included. Synchronous, so that a transfer is decided and applied in one step. */
export function answerRequest(kpay: Kpay, request: EndpointRequest, balanceRows: BalanceRows = 'per_currency'): Answer {
  try {
    return decide(kpay, request, balanceRows);
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error.status, error.messages);
    throw error;
  }
}

function decide(kpay: Kpay, request: EndpointRequest, balanceRows: BalanceRows): Answer {
  const { endpoint, application, query, body } = request;
  if (!endpoint) throw new Refusal(404, `Cannot ${request.method} ${request.path}`);
  if (!body) throw new Refusal(400, 'Unexpected token in JSON');
  if (!application || !request.authenticated) {
    throw new Refusal(401, endpoint === 'transfer' ? 'Invalid or expired token' : 'Invalid API keys');
  }
  switch (endpoint) {
    case 'me':
      return ok({
        application: { id: application.id, name: application.name },
        company: application.company,
        environment: application.environment,
      });
    case 'token':
      return created({ accessToken: request.accessToken, expiresIn: '30m', environment: application.environment });
    case 'exchange-rate': {
      const from = requireCurrency(query, 'from');
      const to = requireCurrency(query, 'to');
      return ok({ from, to, rate: kpay.exchangeRate(from, to) });
    }
    case 'predict-provider':
      return created(predictProvider(readPhoneNumber(body.json), application.environment));
    case 'availability':
      return ok(kpay.availability());
    case 'balance':
      return ok(kpay.balance(application, balanceRows));
    case 'transfer':
      return created(presentTransfer(kpay.transfer(application, body.json)));
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function created(body: unknown): Answer {
  return { status: 201, body };
}

function requireCurrency(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? '';
  if (!/^[A-Z]{3}$/.test(value)) throw new Refusal(400, [`${name} must be an ISO 4217 currency code`]);
  return value;
}

function readPhoneNumber(json: unknown): string {
  const fields = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  const messages = Object.keys(fields)
    .filter((name) => name !== 'phoneNumber')
    .map((name) => `property ${name} should not exist`);
  const { phoneNumber } = fields;
  if (typeof phoneNumber !== 'string') messages.push('phoneNumber must be a string');
  if (messages.length > 0 || typeof phoneNumber !== 'string') throw new Refusal(400, messages);
  return phoneNumber;
}

/** The documented reply: both legs, the rate, and no status and no fee. */
function presentTransfer(transfer: TransferRecord): unknown {
  const leg = (direction: 'OUT' | 'IN', amount: string, currency: string, country: string) => ({
    id: `${transfer.id.slice(0, 24)}${direction === 'OUT' ? '0' : '1'}${transfer.id.slice(25)}`,
    reference: `WT-${String(transfer.sequence).padStart(8, '0')}-${direction}`,
    type: `WALLET_TRANSFER_${direction}`,
    amount: Number(amount),
    currency,
    country,
  });
  return {
    id: transfer.id,
    sourceTransaction: leg('OUT', transfer.amount, transfer.sourceCurrency, transfer.sourceCountry),
    destinationTransaction: leg('IN', transfer.destinationAmount, transfer.destinationCurrency, transfer.destinationCountry),
    exchangeRate: transfer.exchangeRate,
    description: transfer.description,
    externalId: transfer.externalId,
    createdAt: transfer.createdAt,
  };
}
