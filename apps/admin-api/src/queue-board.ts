import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { advanceQueueName } from '@kpay/transfers';
import type { Queue } from 'bullmq';
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { type Authenticate, requireScope } from './authenticate.ts';
import type { Caller } from './operation.ts';
import { Problem, unauthenticated } from './problem.ts';
import { relativeReference } from './relative-reference.ts';
import { refuseMethod } from './routes.ts';

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

/** The queues of each account: transfers, and hints. */
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
 * for a name and a password: the password is a key with the scope `control`, the name does not matter. Nothing else of
 * the API takes a password, so that a browser which remembers it cannot be made to do anything with it.
 */
export function queueBoard(queues: readonly Queue[], authenticate: Authenticate, limit: RequestHandler): Router {
  const adapter = new RelativeAdapter();
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'kpay queues (read-only)' } },
  });
  const router = Router();
  router.use(letIn(authenticate), limit, refuseWrites, fewSources);
  router.get('/base.js', (_request, response) => void response.type('js').send(BASE_SCRIPT));
  router.use(adapter.getRouter());
  return router;
}

function letIn(authenticate: Authenticate): RequestHandler {
  return async (request, response, next) => {
    const { remoteAddress: address } = request.socket;
    const caller = await authenticate({ token: tokenOf(request.get('authorization')), address }).catch((error: unknown) => {
      // So that a browser asks again.
      throw error instanceof Problem && error.code === 'unauthenticated' ? unauthenticated(error.message, CHALLENGE) : error;
    });
    requireScope(caller, 'control');
    response.locals.caller = caller satisfies Caller;
    next();
  };
}

function tokenOf(authorization: string | undefined): string {
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const pair = Buffer.from(BASIC.exec(authorization ?? '')?.[1] ?? '', 'base64').toString();
  const password = pair.slice(pair.indexOf(':') + 1);
  if (!pair.includes(':') || password === '') {
    throw unauthenticated('Give a key with the scope control as the password.', CHALLENGE);
  }
  return password;
}

const refuseWrites: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  return refuseMethod('GET, HEAD')(request, response, next);
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
