import { type Case, expectField, expectStatus, fieldAt, isText, outcomeOf, reads, untried } from '../case.ts';
import type { Answer, Kpay } from '../kpay.ts';
import { cannotMove, transferPath } from './transfer-requests.ts';

const path = '/api/v1/payments/token';
const askToken = (kpay: Kpay) => kpay.ask({ method: 'POST', path, body: {} });

/**
 * The token's claims, without checking its signature; undefined when it is no JWT. Never shown, because it is a secret.
 */
function claimsOf({ json }: Answer): unknown {
  const token = fieldAt(json, 'accessToken');
  const parts = isText(token) ? token.split('.') : [];
  if (parts.length !== 3) return undefined;
  try {
    return JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
}

/** Whether any claim, at any depth, equals `value`. The page does not say which claim it is. */
function says(claims: unknown, value: string): boolean {
  if (typeof claims !== 'object' || claims === null) return claims === value;
  return Object.values(claims).some((claim) => says(claim, value));
}

/** Contract: "POST /api/v1/payments/token". */
export const tokenCases: readonly Case[] = [
  reads('token.status', 'page', 'The answer to the body {} is 201.', async (kpay) => expectStatus(await askToken(kpay), 201)),
  reads('token.no-body', 'page', 'The answer to no body at all is 201.', async (kpay) =>
    expectStatus(await kpay.ask({ method: 'POST', path }), 201),
  ),
  reads('token.access-token', 'page', 'accessToken is a JWT.', async (kpay) => {
    const answer = await askToken(kpay);
    const isJwt = claimsOf(answer) !== undefined;
    return outcomeOf(isJwt, `status ${answer.status}, accessToken ${isJwt ? 'a JWT' : 'no JWT'}`);
  }),
  reads('token.expires-in', 'page', 'expiresIn is "30m".', async (kpay) =>
    expectField(await askToken(kpay), 'expiresIn', (value) => value === '30m'),
  ),
  reads('token.environment', 'page', 'environment is that of the keys.', async (kpay) =>
    expectField(await askToken(kpay), 'environment', (value) => value === kpay.environment),
  ),
  reads('token.claims', 'page', 'The environment is encoded in the token.', async (kpay) => {
    const holds = says(claimsOf(await askToken(kpay)), kpay.environment);
    return outcomeOf(holds, holds ? `a claim says ${kpay.environment}` : `no claim says ${kpay.environment}`);
  }),
  untried('token.lifetime', 'page', 'A token is good for 30 minutes.', 'would take half an hour'),
  untried(
    'token.refresh',
    'page',
    'There is no endpoint to refresh a token.',
    'an endpoint nobody documents cannot be looked for',
  ),
  reads('token.missing', 'inferred', 'A transfer without a token is answered 401.', async (kpay) =>
    expectStatus(await kpay.send({ method: 'POST', path: transferPath, body: await cannotMove(kpay) }), 401),
  ),
  reads('token.wrong', 'inferred', 'A transfer with a token that KPay did not sign is answered 401.', async (kpay) => {
    const headers = { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA' };
    return expectStatus(await kpay.send({ method: 'POST', path: transferPath, headers, body: await cannotMove(kpay) }), 401);
  }),
  untried('token.expired', 'inferred', 'A transfer with an expired token is answered 401.', 'would take half an hour'),
];
