import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { invalidToken } from '../problems/problem.ts';
import { callerOfKey } from './authenticate.ts';
import type { Caller } from './caller.ts';
import type { KeyStore } from './key-store.ts';
import type { Scope } from './scopes.ts';

const LIVES_MS = 60_000;
// The last part is an HMAC-SHA256 in base64url.
const FORM = /^kpst_([\w-]{1,8000})_([\w-]{43})$/;

const claimsSchema = z.strictObject({
  /** The key that it was made with; missing for the bootstrap token and for a token of the issuer. */
  key: z.string().optional(),
  /** The id of a caller without a key: the bootstrap token or an issuer's subject. It is also the owner. */
  id: z.string(),
  /** The accounts of a caller without a key. A key's accounts are read again. */
  accounts: z.array(z.string()).nullable().optional(),
  /** The time until which it opens a stream. */
  opensUntil: z.number(),
  /** The end of the credential that it was made with. */
  endsAt: z.number().optional(),
});
type Claims = z.infer<typeof claimsSchema>;

/** Tokens that open only the stream, for a minute, because a browser's EventSource can send no header. */
export interface StreamTokens {
  issue(caller: Caller): { token: string; expiresAt: Date };
  /**
   * The caller that made it. @param opening false to check an open stream again. @throws Problem (401) when it, or its
   * maker's key, is invalid.
   */
  verify(token: string, address: string | undefined, opening: boolean): Promise<Caller>;
}

export interface StreamTokenOptions {
  /** The secret for hashing keys. Every process that has it accepts the tokens of all others. */
  secret: string;
  /** Changing it ends all tokens. */
  adminToken: string;
  keys: Pick<KeyStore, 'read'>;
}

export function createStreamTokens({ secret, adminToken, keys }: StreamTokenOptions): StreamTokens {
  const hmacKey = createSecretKey(Buffer.from(hkdfSync('sha256', secret, adminToken, 'kpay-ops stream tokens', 32)));
  const sign = (claims: string) => createHmac('sha256', hmacKey).update(claims).digest();

  function read(token: string): Claims {
    const [, text = '', mac = ''] = FORM.exec(token) ?? [];
    // 43 characters of base64url are 32 bytes.
    if (text === '' || !timingSafeEqual(Buffer.from(mac, 'base64url'), sign(text))) {
      throw invalidToken('The stream token is not known.', 'unknown');
    }
    return claimsSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  }

  return {
    issue({ id, apiKey, accounts, tokenEndsAt }) {
      const opensUntil = Date.now() + LIVES_MS;
      const claims: Claims = {
        id,
        opensUntil,
        ...(apiKey ? { key: apiKey.id } : { accounts: accounts && [...accounts] }),
        ...(tokenEndsAt && { endsAt: tokenEndsAt.getTime() }),
      };
      const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return { token: `kpst_${text}_${sign(text).toString('base64url')}`, expiresAt: new Date(opensUntil) };
    },
    async verify(token, address, opening) {
      const { key, id, accounts = [], opensUntil, endsAt = Number.POSITIVE_INFINITY } = read(token);
      const now = Date.now();
      if (opening && opensUntil <= now) throw invalidToken('The stream token has expired: ask for another one.', 'expired');
      if (endsAt <= now) throw invalidToken('The token that the stream token was made with has expired.', 'token');
      if (key === undefined) return { id, owner: id, scopes: new Set<Scope>(['read']), accounts };
      const found = await keys.read(key);
      if (!found) throw invalidToken('The key that the stream token was made with is not known.', 'unknown');
      const caller = callerOfKey(found, address);
      return { ...caller, scopes: new Set([...caller.scopes].filter((scope) => scope === 'read')) };
    },
  };
}
