import { refusedCharacter } from '@kpay/producer';
import { type OidcSettings, StartError } from '@kpay/runtime';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { invalidToken, Problem } from '../problems/problem.ts';
import type { Caller } from './caller.ts';
import { type Scope, scopes } from './scopes.ts';

// Signatures by a private key only. `none` is excluded, and so is the HS family, for which the public key would serve
// as the secret.
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const CLOCKS_DIFFER_S = 30;
const ANSWER_WITHIN_MS = 3_000;
const MAX_SUBJECT_CHARACTERS = 255;
const TYPES: ReadonlySet<string | undefined> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt']);
// The end of the year 9999.
const LATEST_END_S = 253_370_764_800;
const ALL_ACCOUNTS = '*';
const FORM = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

export interface OidcOptions extends OidcSettings {
  /** The shortest time between two fetches of the issuer's keys because of an unknown key. */
  keysCooldownMs?: number;
}

/** Whether a token looks like one of an issuer rather than one of our keys. */
export function isJwt(token: string): boolean {
  return FORM.test(token);
}

/**
 * Makes the function that authenticates an issuer's tokens. The issuer's keys are fetched when first needed and kept
 * for ten minutes. They are fetched again when a token is signed by an unknown key, because the issuer may rotate them
 * at any time.
 *
 * @throws StartError when the mapping names a scope that does not exist.
 * @returns a function that throws a Problem: 401 for an invalid token, 503 while the issuer's keys cannot be fetched.
 */
export function createOidc(options: OidcOptions): (token: string) => Promise<Caller> {
  const { issuer, audience } = options;
  const unknown = options.scopes?.find(({ scope }) => !(scopes as readonly string[]).includes(scope));
  if (unknown) throw new StartError(`KPAY_OIDC_SCOPES names ${unknown.scope}: the scopes are ${scopes.join(', ')}`);
  const findKey = createKeyFinder(options);
  return async (token) => {
    const { payload, protectedHeader } = await jwtVerify(token, findKey, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCKS_DIFFER_S,
      requiredClaims: ['exp', 'sub'],
    }).catch((error: unknown) => {
      throw problemOfToken(error);
    });
    if (!TYPES.has(protectedHeader.typ?.toLowerCase())) throw invalidToken('The token is not an access token.', 'token');
    // The token is bound to a key that we do not see. Anybody who stole the token could use it here.
    if (payload.cnf !== undefined)
      throw invalidToken('The token is bound to a key of its sender, which this API does not check.', 'token');
    if (Number(payload.exp) > LATEST_END_S) throw invalidToken("The token's `exp` claim is not valid.", 'token');
    const sub: unknown = payload.sub;
    const isUsable = typeof sub === 'string' && sub !== '' && sub.length <= MAX_SUBJECT_CHARACTERS;
    if (!isUsable || refusedCharacter(sub, 'name') !== undefined)
      throw invalidToken("The token's `sub` claim is missing, too long or not valid.", 'token');
    // No owner of our keys contains a colon, so an issuer's subject can never equal one.
    const owner = `${issuer}#${sub}`;
    const tokenEndsAt = new Date(Number(payload.exp) * 1_000);
    return { id: owner, owner, scopes: scopesOf(payload, options), accounts: accountsOf(payload, options), tokenEndsAt };
  };
}

function createKeyFinder({ issuer, jwksUrl, keysCooldownMs = 30_000 }: OidcOptions): JWTVerifyGetKey {
  const open = (url: string) =>
    createRemoteJWKSet(new URL(url), { timeoutDuration: ANSWER_WITHIN_MS, cooldownDuration: keysCooldownMs });
  if (jwksUrl !== undefined) return open(jwksUrl);
  let discovered: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    discovered ??= discoverKeysUrl(issuer).then(open);
    const find = await discovered.catch((error: unknown) => {
      // The next token tries again.
      discovered = undefined;
      throw error;
    });
    return find(header, token);
  };
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

async function discoverKeysUrl(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), redirect: 'error' });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const found = discoverySchema.parse(await answer.json());
  if (found.issuer !== issuer) throw new Error(`${url} is of another issuer: KPAY_OIDC_ISSUER must be exactly as it says`);
  return found.jwks_uri;
}

/**
 * A claim that is a list of texts, or one text with blanks. Any other value means nothing: `[["keys"]]` is not `keys`.
 */
function listOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((each) => each !== '');
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : [];
}

/** Without the setting, all accounts. With it, a token without the claim reaches none. */
function accountsOf(payload: JWTPayload, { accountsClaim }: OidcSettings): readonly string[] | null {
  if (accountsClaim === undefined) return null;
  const claimed = listOf(payload[accountsClaim]);
  return claimed.includes(ALL_ACCOUNTS) ? null : [...new Set(claimed)];
}

function scopesOf(payload: JWTPayload, { scopesClaim, scopes: mapping }: OidcSettings): ReadonlySet<Scope> {
  const claimed = new Set(listOf(payload[scopesClaim]));
  const granted = mapping ? mapping.filter(({ claimed: name }) => claimed.has(name)).map(({ scope }) => scope) : [...claimed];
  return new Set(scopes.filter((scope) => granted.includes(scope)));
}

function problemOfToken(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return invalidToken('The token has expired.', 'expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalidToken(`The token's ${error.claim} claim is not valid.`, 'token');
  if (error instanceof errors.JOSEAlgNotAllowed)
    return invalidToken('The token is signed in a way that is not accepted.', 'token');
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return invalidToken('The token is not signed by a key of the issuer.', 'token');
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid || error instanceof errors.JOSENotSupported) {
    return invalidToken('The token cannot be read.', 'token');
  }
  // jose refuses RSA keys shorter than 2048 bits with a TypeError.
  if (error instanceof TypeError && /modulusLength/.test(error.message)) {
    return invalidToken('The token is signed by a key that is too short.', 'token');
  }
  const detail = "The issuer's keys cannot be fetched, so its tokens cannot be checked. Keys of this API work.";
  return new Problem('issuer_unavailable', detail, { headers: { 'retry-after': '5' }, cause: error });
}
