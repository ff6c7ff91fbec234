import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An issuer of tokens on 127.0.0.1, with a discovery document and keys that it rotates. */
export interface TokenIssuer {
  issuer: string;
  jwksUrl: string;
  /** A valid token for a minute; `changes` overrides its claims. */
  token(
    changes?: Record<string, unknown>,
    options?: { signedBy?: CryptoKey; alg?: string; kid?: string; typ?: string },
  ): Promise<string>;
  /** From now on a new key signs the tokens, and only that key is published. */
  rotate(): Promise<void>;
  /** How often its keys were fetched. */
  fetched(): number;
  /** Stops answering. */
  close(): Promise<void>;
}

export const audience = 'https://treasury.example';

export async function startIssuer(): Promise<TokenIssuer> {
  let key = await newKey(1);
  let fetched = 0;
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      return void response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    }
    fetched += 1;
    response.end(JSON.stringify({ keys: [key.published] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    jwksUrl: `${issuer}/keys`,
    token(changes = {}, { signedBy = key.secret, alg = 'ES256', kid = key.kid, typ } = {}) {
      const nowS = Math.floor(Date.now() / 1_000);
      const claims = { iss: issuer, aud: audience, sub: 'ann', iat: nowS, exp: nowS + 60, scope: 'treasury.read', ...changes };
      return new SignJWT(claims).setProtectedHeader({ alg, kid, ...(typ !== undefined && { typ }) }).sign(signedBy);
    },
    async rotate() {
      key = await newKey(Number(key.kid) + 1);
    },
    fetched: () => fetched,
    async close() {
      server.closeAllConnections();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
}

async function newKey(number: number) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = String(number);
  return { kid, secret: privateKey, published: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}
