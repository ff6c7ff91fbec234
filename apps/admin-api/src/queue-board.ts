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

/** The board reads its own path out of the page's base and needs it whole; only the browser knows it, behind a proxy. */
const BASE_SCRIPT = `const base = document.querySelector('base');
base.setAttribute('href', new URL(base.href).pathname);
`;

/** Bull Board's adapter with a base that is relative to each request, so that the page works below a proxy's path too. */
class RelativeAdapter extends ExpressAdapter {
  override setEntryRoute({ method, route, handler }: Parameters<ExpressAdapter['setEntryRoute']>[0]): this {
    this.app[method](route, (request: Request, response: Response, next: NextFunction) => {
      const { name, params } = handler({ basePath: relativeReference(request, BOARD_PATH), uiConfig: this.uiConfig });
      response.render(name, params, (error: Error | null, html: string) => {
        if (error) return next(error);
        // After the base, by which its address is found, and before all scripts of the board.
        response.send(html.replace(/<base [^>]*>/, '$&<script src="base.js"></script>'));
      });
    });
    return this;
  }
}

/** Jobs that one request shows. */
const MAX_JOBS = 100;
/** A job's data, written down, beyond which only its beginning is shown. */
const MAX_DATA = 10_000;

/** Bull Board's view of a queue, to look at and bounded: whoever can write to Redis must not be able to hide all other jobs. */
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
        { unreadable: 'What Redis holds for this job is not what BullMQ writes.' },
        {},
        id,
      );
    }
  }
}

/** No JSON where there should be some, null where there should be an object, or no hash of Redis at all. */
function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError || (error instanceof Error && error.name === 'ReplyError');
}

function beginningOf(data: unknown): unknown {
  const text = JSON.stringify(data) ?? '';
  return text.length <= MAX_DATA ? data : `${text.slice(0, MAX_DATA)}… [${text.length} characters]`;
}

/** The queues of each account: transfers, and advance jobs. */
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
 * Bull Board, to look at and nothing else: no request but a GET reaches it, whatever its pages would offer. A browser asks
 * for a name and a password: the password is a key with the scopes `control` and `read` for all accounts, the name does not
 * matter. Nothing else of the API takes a password, so that a browser which remembers it cannot be made to do anything with it.
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
    // Whether anybody works on a queue cannot be told from here: the embedded database lists no clients, and Redis may forbid to.
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
      // So that a browser asks again.
      throw error instanceof Problem && error.code === 'unauthenticated'
        ? unauthenticated(error.message, CHALLENGE, error.denial, error.keyId)
        : error;
    });
    response.locals.caller = caller satisfies Caller;
    watch.letIn(caller, requestOf(request, response));
    // The jobs of every account stand on it.
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

// Its page asks for fonts of somebody else: they are not loaded, and it looks well without.
const fewSources = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      // Its styles stand in attributes. Its scripts do not: no inline script runs.
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
