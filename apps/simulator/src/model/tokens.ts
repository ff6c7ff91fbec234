import { createSecretKey } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Application } from './application.ts';

/** Fixed, so that a token outlives a restart as it would at KPay. It protects nothing: the simulator has no real money. */
const signingKey = createSecretKey(Buffer.from('the simulator signs its tokens with this and means no harm'));

/** Signs and reads the Bearer tokens of POST /api/v1/payments/token: JWT, HS256. */
export class TokenMint {
  #generation = 0;

  /** `lifetimeMs` is rounded down to whole seconds, as JWT times are, but never below two: one could be over at once. */
  issue(application: Application, at: number, lifetimeMs: number): Promise<string> {
    const issuedAt = Math.floor(at / 1000);
    return new SignJWT({ environment: application.environment, generation: this.#generation })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(application.id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + Math.max(2, Math.floor(lifetimeMs / 1000)))
      .sign(signingKey);
  }

  /** Whose token it is and whether it still counts; undefined when we never signed it (garbage, `alg: none`, another key). */
  async read(token: string, at: number): Promise<{ applicationId: string; valid: boolean } | undefined> {
    try {
      const { payload } = await jwtVerify(token, signingKey, { algorithms: ['HS256'], currentDate: new Date(at) });
      return this.#owner(payload, payload.generation === this.#generation);
    } catch (error) {
      // jose checks the signature first, so an expired payload is known to be ours.
      if (error instanceof errors.JWTExpired) return this.#owner(error.payload, false);
      return undefined;
    }
  }

  /** Every token issued so far is refused from now on. */
  revokeAll(): void {
    this.#generation += 1;
  }

  #owner(payload: JWTPayload, valid: boolean): { applicationId: string; valid: boolean } | undefined {
    return typeof payload.sub === 'string' ? { applicationId: payload.sub, valid } : undefined;
  }
}
