import type { KpayAccount } from '@kpay/core';
import { ledgerMissing } from '@kpay/ledger';
import {
  createMetricsRegistry,
  currentTraceId,
  healthRoutes,
  isHostAllowed,
  type Logger,
  sendText,
  serveMetrics,
  type WebConfig,
  WRONG_HOST,
} from '@kpay/runtime';
import type { Ledger, TransferRow } from '@kpay/transfers';
import type { Maintenance } from '@kpay/transfers/operations';
import type { Plugin } from '@kpay/transfers/plugin';
import type { AccountRules, EpochWitness } from '@kpay/transfers/worker';
import type { Queue } from 'bullmq';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Registry } from 'prom-client';
import { type AuthWatch, type OnKeyChange, requestOf, watchAuth } from './auth/auth-watch.ts';
import { type Authenticate, bearerToken, createAuthenticator, refuseTwoTokens } from './auth/authenticate.ts';
import type { Caller } from './auth/caller.ts';
import { createKeyStore, type KeyStore } from './auth/key-store.ts';
import { createOidc, type OidcOptions } from './auth/oidc.ts';
import { createStreamTokens, type StreamTokens } from './auth/stream-token.ts';
import { allowOrigins } from './http/allow-origins.ts';
import { frontPage } from './http/front-page.ts';
import { measureRequests } from './http/measure-requests.ts';
import { openApiDocument } from './http/open-api.ts';
import type { Operation } from './http/operation.ts';
import { invalidParameter } from './http/parse-query.ts';
import { referencePage } from './http/reference-page.ts';
import { type CountingRedis, limitRequests } from './http/request-limit.ts';
import { refuseMethod, routesOf } from './http/router.ts';
import { Problem } from './problems/problem.ts';
import { problemOf } from './problems/problem-of.ts';
import { BOARD_PATH, queueBoard } from './queue-board.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './routes/api-keys.ts';
import { createQuote } from './routes/create-quote.ts';
import { createOwnKeys } from './routes/kpay/own-keys.ts';
import { predictProvider } from './routes/kpay/predict-provider.ts';
import { showAvailability } from './routes/kpay/show-availability.ts';
import { showBalances } from './routes/kpay/show-balances.ts';
import { showRates } from './routes/kpay/show-rates.ts';
import { listAccounts } from './routes/list-accounts.ts';
import { maintain } from './routes/maintenance.ts';
import { createPause, endPause, showPauses } from './routes/pauses.ts';
import { pluginRoutes } from './routes/plugin-routes.ts';
import { showStatus } from './routes/show-status.ts';
import { streamEvents } from './routes/stream-events.ts';
import { createStreamToken } from './routes/stream-tokens.ts';
import { cancelTransfer } from './routes/transfers/cancel-transfer.ts';
import { createTransfer, tryTransfer } from './routes/transfers/create-transfer.ts';
import { createTransfers } from './routes/transfers/create-transfers.ts';
import { exportTransfers } from './routes/transfers/export-transfers.ts';
import { listTransferEvents } from './routes/transfers/list-transfer-events.ts';
import { listTransfers } from './routes/transfers/list-transfers.ts';
import { replayTransfer } from './routes/transfers/replay-transfer.ts';
import { resolveTransfer } from './routes/transfers/resolve-transfer.ts';
import { showReviewEvidence } from './routes/transfers/show-review-evidence.ts';
import { showTransfer } from './routes/transfers/show-transfer.ts';

export interface AdminApiOptions {
  ledger: Ledger;
  /** The witness that shows when the ledger was restored from a backup. */
  epochWitness: EpochWitness;
  accounts: ReadonlyMap<string, KpayAccount>;
  /** The rules of those accounts that have any. */
  rules?: ReadonlyMap<string, AccountRules>;
  /** The plugins of KPAY_PLUGINS. */
  plugins?: readonly Plugin[];
  /** KPAY_ADMIN_TOKEN: the bearer token that may do everything. */
  adminToken: string;
  /** KPAY_KEYS_SECRET: the secret for hashing keys; the admin token by default. */
  keysSecret?: string | undefined;
  /** The issuer whose tokens are accepted besides keys. */
  oidc?: OidcOptions | undefined;
  /** The rate limit of a key that has none of its own. */
  requestsPerMinute: number;
  /** The store in which all processes count requests together. Without it each process counts by itself. */
  redis?: CountingRedis;
  /** The queues that Bull Board shows. Without any there is no board. */
  queues?: readonly Queue[];
  /**
   * Notifies the workers of a newly accepted transfer. It may fail or hang, because the sweep finds the transfer too.
   */
  notifyWorkers(transfer: TransferRow): Promise<void>;
  /** Set where only this process can reach the stores. The command line then uses the API for maintenance. */
  maintenance?: Maintenance;
  /** Origins whose pages may read answers in a browser; none by default. */
  corsOrigins?: readonly string[] | undefined;
  /** The registry for the API's metrics. */
  registry?: Registry;
  /** Who may see the metrics, and the TLS settings; everybody, over http, by default. */
  web?: WebConfig | undefined;
  logger: Logger;
  /** Aborted when the process is about to end; then streams end. */
  stopping?: AbortSignal;
}

/**
 * Makes the REST API as an Express application: /v1 with authentication, and /healthz, /readyz and /metrics beside it.
 */
export function createAdminApi(options: AdminApiOptions): Express {
  const app = express();
  // Answers are valid for one moment, so nothing may cache them, and hashing each one gains nothing.
  app.set('etag', false);
  const { registry = createMetricsRegistry(), web } = options;
  app.use(measureRequests(registry));
  app.use(helmet());
  app.use((_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  const open = { ...healthRoutes(() => ledgerMissing(options.ledger)), '/metrics': serveMetrics({ registry, web }) };
  for (const [path, handler] of Object.entries(open)) {
    app.route(path).get(handler).all(refuseMethod('GET, HEAD'));
  }
  if (options.corsOrigins?.length) app.use(['/v1', '/openapi.json'], allowOrigins(options.corsOrigins));
  const keys = createKeyStore(options.ledger, {
    secret: options.keysSecret ?? options.adminToken,
    epochWitness: options.epochWitness,
    usualRequestsPerMinute: options.requestsPerMinute,
    tokenKeyDays: options.oidc?.keyDays,
  });
  const watch = watchAuth(registry, options.logger);
  const oidc = options.oidc && createOidc(options.oidc);
  const authenticate = createAuthenticator({ adminToken: options.adminToken, keys, oidc });
  const limit = limitRequests({ perMinute: options.requestsPerMinute, redis: options.redis, logger: options.logger });
  const { adminToken, keysSecret: secret = adminToken } = options;
  const streamTokens = createStreamTokens({ secret, adminToken, keys });
  const operations = listOperations({ ...options, keys, streamTokens, onChange: watch.keyChanged });
  // Anybody can read the document, so it contains no account name except the default one.
  const document = openApiDocument(operations, 'default');
  app.use(['/openapi.json', '/docs'], (request, response, next) => {
    if (isHostAllowed(request, web?.allowedHosts)) next();
    else sendText(response, 421, WRONG_HOST);
  });
  app
    .route('/openapi.json')
    .get((_request, response) => void response.json(document))
    .all(refuseMethod('GET, HEAD'));
  app.use('/docs', referencePage());
  app.use(frontPage({ board: options.queues !== undefined }));
  // Authentication comes before anything else of /v1, even before the body is read.
  app.use('/v1', requireCaller(authenticate, streamTokens, watch), limit, routesOf(operations, options.stopping));
  if (options.queues) app.use(BOARD_PATH, queueBoard(options.queues, authenticate, watch, limit));
  app.use(() => {
    throw new Problem('not_found', 'There is no such path.');
  });
  app.use(sendProblem(options.logger, watch));
  return app;
}

function listOperations(
  options: AdminApiOptions & { keys: KeyStore; streamTokens: StreamTokens; onChange: OnKeyChange },
): readonly Operation[] {
  const { logger } = options;
  const own = createOwnKeys(options.ledger);
  // This runs in the background. If the queue is away, the sweep finds the row within a second.
  const notifyWorkers = (transfer: TransferRow) => {
    const failed = (error: unknown) =>
      logger.warn(
        { err: error, transferId: transfer.id },
        'the workers could not be notified of a transfer; the sweep will find it',
      );
    options.notifyWorkers(transfer).catch(failed);
  };
  return [
    createTransfer({ ...options, notifyWorkers }),
    tryTransfer({ ...options, notifyWorkers }),
    createTransfers({ ...options, notifyWorkers }),
    listTransfers(options),
    exportTransfers(options),
    showTransfer(options),
    listTransferEvents(options),
    showReviewEvidence(options),
    cancelTransfer(options),
    resolveTransfer(options),
    replayTransfer({ ...options, notifyWorkers }),
    createQuote(options),
    predictProvider(options),
    streamEvents(options),
    createStreamToken(options),
    showPauses(options),
    createPause(options),
    endPause(options),
    showBalances({ ...options, own }),
    showAvailability({ ...options, own }),
    showRates({ ...options, own }),
    listAccounts(options),
    showStatus(options),
    listApiKeys(options),
    createApiKey(options),
    revokeApiKey(options),
    ...(options.maintenance ? maintain(options.maintenance) : []),
    ...pluginRoutes(options.plugins ?? []),
  ];
}

function requireCaller(authenticate: Authenticate, streamTokens: StreamTokens, watch: AuthWatch): RequestHandler {
  return async (request, response, next) => {
    const { remoteAddress: address } = request.socket;
    refuseTwoTokens(request);
    const streamToken = streamTokenOf(request);
    const verify = (opening: boolean) =>
      streamToken === undefined
        ? authenticate({ token: bearerToken(request.get('authorization')), address })
        : streamTokens.verify(streamToken, address, opening);
    const caller = await verify(true);
    response.locals.caller = caller;
    watch.letIn(caller, requestOf(request, response));
    const verifyAgain = async () => {
      await verify(false).catch((error: unknown) => {
        // An issuer that does not answer says nothing about the token.
        if (!(error instanceof Problem && error.status >= 500)) throw error;
      });
    };
    response.locals.verifyAgain = verifyAgain;
    response.locals.isStillAllowed = () =>
      verifyAgain().then(
        () => true,
        (error: unknown) => {
          if (error instanceof Problem) return false;
          throw error;
        },
      );
    next();
  };
}

/** Proxies log addresses and browsers keep them. So only the stream accepts a credential in its address. */
function streamTokenOf({ method, path, query: { token }, headers }: Request): string | undefined {
  if (token === undefined || !/^\/stream\/?$/i.test(path) || (method !== 'GET' && method !== 'HEAD')) return undefined;
  if (typeof token !== 'string') throw invalidParameter('token', 'must be given once');
  if (headers.authorization !== undefined) throw invalidParameter('token', 'must be left out with an Authorization header');
  return token;
}

function sendProblem(logger: Logger, watch: AuthWatch): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (response.headersSent) {
      // The connection is cut, so that the client sees a truncated response.
      logger.error({ err: error, method: request.method, path: request.path }, 'an answer failed after its headers were sent');
      return void response.destroy();
    }
    // Without an operation nothing was started.
    const operation = response.locals.operation as Operation | undefined;
    const problem = problemOf(error, { writes: !isRead(request), repeatable: operation?.unrepeatable !== true });
    if (problem.status >= 500) {
      const level = problem.code === 'internal_error' ? 'error' : 'warn';
      logger[level]({ err: problem.cause, method: request.method, path: request.path, code: problem.code }, problem.message);
    }
    if (problem.denial !== undefined) {
      const caller = response.locals.caller as Caller | undefined;
      const who = { keyId: problem.keyId ?? caller?.apiKey?.id, owner: caller?.owner };
      watch.denied(problem.denial, who, requestOf(request, response));
    }
    const traceId = currentTraceId();
    const body = { ...problem.body(), ...(traceId !== undefined && { traceId }) };
    response.status(problem.status).set(problem.headers).type('application/problem+json').send(JSON.stringify(body));
  };
}

function isRead({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD';
}
