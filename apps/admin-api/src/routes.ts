import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { requireScope } from './authenticate.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { parseIfMatch } from './if-match.ts';
import type { Call, Caller, Operation } from './operation.ts';
import { parseBody } from './parse-body.ts';
import { parseQuery } from './parse-query.ts';
import { Problem } from './problem.ts';

const MOST_BODY_BYTES = 100_000;
const noParameters = z.strictObject({});

/** Express routes of operations. Other methods of their paths are refused. */
export function routesOf(operations: readonly Operation[]): Router {
  const router = Router();
  for (const [path, ofPath] of Map.groupBy(operations, (operation) => operation.path)) {
    const route = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    route.all(nameRoute(`/v1${path}`));
    for (const operation of ofPath) {
      const readers = operation.method === 'post' ? [refuseOtherTypes, readJson] : [];
      // Before the body is looked at.
      route[operation.method](allow(operation), ...readers, serve(operation));
    }
    const allowed = ofPath.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()));
    route.all(refuseMethod(allowed.join(', ')));
  }
  return router;
}

/** For the metrics, also when it ends in an error. */
function nameRoute(pattern: string): RequestHandler {
  return (_request, response, next) => {
    response.locals.route = pattern;
    next();
  };
}

export function refuseMethod(allow: string): RequestHandler {
  return (request) => {
    throw new Problem('method_not_allowed', `${request.method} is not possible here, only ${allow}.`, { headers: { allow } });
  };
}

function allow({ scope }: Operation): RequestHandler {
  return (_request, response, next) => {
    requireScope(response.locals.caller as Caller, scope);
    next();
  };
}

function serve(operation: Operation): RequestHandler {
  return async (request, response) => {
    response.locals.operation = operation;
    const { body, headers } = await operation.handle(understand(operation, request, response));
    response
      .status(operation.answer.status)
      .set(headers ?? {})
      .json(body);
  };
}

function understand(
  { query, body, idempotent, conditional }: Operation,
  request: Request,
  response: Response,
): Call<unknown, unknown> {
  return {
    id: String(request.params.id ?? ''),
    query: parseQuery(query ?? noParameters, request.query),
    body: body && parseBody(body, request.body),
    idempotencyKey: idempotent && parseIdempotencyKey(request.get('idempotency-key')),
    version: conditional && parseIfMatch(request.get('if-match')),
    caller: response.locals.caller as Caller,
  };
}

const readJson = express.json({ limit: MOST_BODY_BYTES, inflate: false });

const refuseOtherTypes: RequestHandler = (request, _response, next) => {
  // Null: there is no body, which the operation will say in its own words.
  if (request.is('application/json') !== false || request.get('content-length') === '0') return next();
  throw new Problem('unsupported_media_type', 'Send the body as application/json.');
};
