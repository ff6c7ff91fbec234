import type { RequestHandler } from 'express';

/**
 * Lets pages of these origins read the API's answers (CORS). No credentials are allowed: a page sends its own bearer
 * token, so it cannot use anything that the browser remembers. Mounted before authentication, because a preflight has
 * no token.
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, response, next) => {
    response.vary('Origin');
    const origin = request.get('origin');
    if (origin === undefined || !allowed.has(origin)) return next();
    response.set({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'ETag, Location, Idempotency-Replayed, Retry-After, WWW-Authenticate',
    });
    if (request.method !== 'OPTIONS' || request.get('access-control-request-method') === undefined) return next();
    response
      .status(204)
      .set({
        'access-control-allow-methods': 'GET, POST, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID',
        'access-control-max-age': '600',
      })
      .end();
  };
}
