import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { advanceQueueName } from '@kpay/transfers/worker';
import { Job, type Queue } from 'bullmq';
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { type AuthWatch, requestOf } from './auth/auth-watch.ts';
import { type Authenticate, refuseTwoTokens, requireScope } from './auth/authenticate.ts';
import type { Caller } from './auth/caller.ts';
import { requireAllAccounts } from './auth/rights.ts';
import { invalidParameter } from './http/parse-query.ts';
import { relativeReference } from './http/relative-reference.ts';
import { refuseMethod } from './http/router.ts';
import { Problem, unauthenticated } from './problems/problem.ts';

/** Where the board is. */
export const BOARD_PATH = '/queues';
const CHALLENGE = 'Basic realm="kpay queues", charset="UTF-8"';
const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;

/** The board reads its own path from the page's base and needs it in full. Behind a proxy only the browser knows it. */
const BASE_SCRIPT = `const base = document.querySelector('base');
base.setAttribute('href', new URL(base.href).pathname);
`;

/**
 * Bull Board's adapter with a base that is relative to each request, so that the page also works below a proxy's path.
 */
class RelativeAdapter extends ExpressAdapter {
  override setEntryRoute({ method, route, handler }: Parameters<ExpressAdapter['setEntryRoute']>[0]): this {
    this.app[method](route, (request: Request, response: Response, next: NextFunction) => {
      const { name, params } = handler({ basePath: relativeReference(request, BOARD_PATH), uiConfig: this.uiConfig });
      response.render(name, params, (error: Error | null, html: string) => {
        if (error) return next(error);
        // After the base, by which the script's address is resolved, and before all scripts of the board.
        response.send(html.replace(/<base [^>]*>/, '$&<script src="base.js"></script>'));
      });
    });
    return this;
  }
}

/** The most jobs in one answer. */
const MAX_JOBS = 100;
/** The longest job data, as text, that is shown in full. */
const MAX_DATA = 10_000;

/**
 * Bull Board's view of a queue, read-only and bounded. Somebody who can write to Redis must not be able to hide all
 * other jobs.
 */
class BoundedQueue extends BullMQAdapter {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    super(queue, { readOnlyMode: true, allowRetries: false });
    this.#queue = queue;
    this.setFormatter('data', beginningOf);
  }

  override async getJobs(statuses: Parameters<BullMQAdapter['getJobs']>[0], start = 0, end = MAX_JOBS): Promise<Job[]> {
    // BullMQ has no paused jobs any more.
    const known = statuses.filter((status) => status !== 'paused');
    const ids = await this.#queue.getRanges(known, start, Math.min(end, start + MAX_JOBS - 1));
    const jobs = await Promise.all(ids.map((id) => this.getJob(id)));
    return jobs.filter((job) => job !== undefined);
  }

  override async getJob(id: string): Promise<Job | undefined> {
    try {
      return await super.getJob(id);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return new Job(
        this.#queue,
        'unreadable',
        { unreadable: 'The data of this job in Redis was not written by BullMQ.' },
        {},
        id,
      );
    }
  }
}

/** Invalid JSON, null instead of an object, or a key of Redis that is no hash. */
function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError || (error instanceof Error && error.name === 'ReplyError');
}

function beginningOf(data: unknown): unknown {
  const text = JSON.stringify(data) ?? '';
  return text.length <= MAX_DATA ? data : `${text.slice(0, MAX_DATA)}… [${text.length} characters]`;
}

/** Opens the transfer queue and the advance queue of each account. */
export function openBoardQueues(
  accounts: Iterable<string>,
  open: (name: string, options: { prefix: string }) => Queue,
): readonly Queue[] {
  return [...accounts].flatMap((account) => {
    const prefix = queuePrefix(account);
    return [transferQueueName(account), advanceQueueName(account)].map((name) => open(name, { prefix }));
  });
}

/**
 * Serves Bull Board, read-only: only GET requests reach it, whatever its pages offer. A browser asks for a name and a
 * password. The password is a key with the scopes `control` and `read` for all accounts; the name does not matter. No
 * other part of the API accepts a password, so a browser that remembers it cannot be misused elsewhere.
 */
export function queueBoard(
  queues: readonly Queue[],
  authenticate: Authenticate,
  watch: AuthWatch,
  limit: RequestHandler,
): Router {
  const adapter = new RelativeAdapter();
  createBullBoard({
    queues: queues.map((queue) => new BoundedQueue(queue)),
    serverAdapter: adapter,
    // The workers of a queue are not shown: the embedded database lists no clients, and Redis may forbid it.
    options: { uiConfig: { boardTitle: 'kpay queues (read-only)', showWorkers: false } },
  });
  const router = Router();
  router.use(letIn(authenticate, watch), limit, refuseWrites, refuseUndecodable, fewSources);
  router.get('/base.js', (_request, response) => void response.type('js').send(BASE_SCRIPT));
  router.use(adapter.getRouter());
  return router;
}

function letIn(authenticate: Authenticate, watch: AuthWatch): RequestHandler {
  return async (request, response, next) => {
    response.locals.route = BOARD_PATH;
    refuseTwoTokens(request);
    const { remoteAddress: address } = request.socket;
    const caller = await authenticate({ token: tokenOf(request.get('authorization')), address }).catch((error: unknown) => {
      // Makes a browser ask again.
      throw error instanceof Problem && error.code === 'unauthenticated'
        ? unauthenticated(error.message, CHALLENGE, error.denial, error.keyId)
        : error;
    });
    response.locals.caller = caller satisfies Caller;
    watch.letIn(caller, requestOf(request, response));
    // The board shows the jobs of every account.
    requireScope(caller, 'control');
    requireScope(caller, 'read');
    requireAllAccounts(caller);
    next();
  };
}

function tokenOf(authorization: string | undefined): string {
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const pair = Buffer.from(BASIC.exec(authorization ?? '')?.[1] ?? '', 'base64').toString();
  const password = pair.slice(pair.indexOf(':') + 1);
  if (!pair.includes(':') || password === '') {
    throw unauthenticated('Give a key with the scopes control and read as the password.', CHALLENGE);
  }
  return password;
}

const refuseWrites: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  return refuseMethod('GET, HEAD')(request, response, next);
};

/** Bull Board decodes the name of the queue once more. */
const refuseUndecodable: RequestHandler = ({ query: { activeQueue = '' } }, _response, next) => {
  try {
    decodeURIComponent(String(activeQueue));
  } catch {
    throw invalidParameter('activeQueue', 'is not percent-encoded UTF-8');
  }
  next();
};

// The page requests fonts from another site. They are not loaded, and the page works without them.
const fewSources = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      // The page has inline styles in attributes. Inline scripts are not allowed.
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      objectSrc: ["'none'"],
      baseUri: ["'self'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
});
