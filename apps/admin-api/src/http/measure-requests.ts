import { createTracedHistogram } from '@kpay/runtime';
import type { Request, RequestHandler, Response } from 'express';
import type { Registry } from 'prom-client';

const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * kpay_http_request_duration_seconds by the pattern of the route. Neither the value of {id} nor an unknown path or
 * method becomes a label.
 */
export function measureRequests(registry: Registry): RequestHandler {
  const duration = createTracedHistogram(registry, {
    name: 'kpay_http_request_duration_seconds',
    help: 'Time from a request to the admin API to the end of its answer; status "aborted" when the client left before.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS_S,
  });
  return (request, response, next) => {
    const startedMs = performance.now();
    response.once('close', () => {
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      const method = METHODS.includes(request.method) ? request.method : 'other';
      duration.observe({ method, route: routeOf(request, response), status }, (performance.now() - startedMs) / 1_000);
    });
    next();
  };
}

function routeOf({ route }: Request, { locals }: Response): string {
  const path: unknown = locals.route ?? route?.path;
  return typeof path === 'string' ? path : 'none';
}
