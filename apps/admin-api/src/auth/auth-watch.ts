import type { ApiKeyRow } from '@kpay/ledger';
import type { Logger } from '@kpay/runtime';
import type { Request, Response } from 'express';
import { Counter, type Registry } from 'prom-client';
import { type Denial, denials } from '../problems/problem.ts';
import type { Caller } from './caller.ts';

/** How a caller was authenticated. */
const WAYS = ['bootstrap', 'key', 'oidc'] as const;
const CHANGES = ['made', 'revoked'] as const;
const DENIED_EVERY_MS = 1_000;
const BOOTSTRAP_EVERY_MS = 60_000;

export interface KeyChange {
  change: (typeof CHANGES)[number];
  row: ApiKeyRow;
  /** The ids of the keys that ended together with this one. */
  others?: readonly string[];
  caller: Caller;
}
export type OnKeyChange = (change: KeyChange) => void;

export interface SeenRequest {
  method: string;
  /** The pattern of the route. It is known only after the caller is. */
  route?: string;
  address: string | undefined;
}

export function requestOf(request: Request, response: Response): SeenRequest {
  const { route }: { route?: string } = response.locals;
  return { method: request.method, address: request.socket.remoteAddress, ...(route !== undefined && { route }) };
}

/**
 * Reports to the log and the metrics which callers were authenticated, which were refused and why, and changes of keys.
 * Never a token.
 */
export interface AuthWatch {
  letIn(caller: Caller, request: SeenRequest): void;
  /** @param who `keyId`: the refused key; undefined when it is not known. */
  denied(denial: Denial, who: { keyId: string | undefined; owner: string | undefined }, request: SeenRequest): void;
  keyChanged: OnKeyChange;
}

/** @param registry gets kpay_admin_auth_total and kpay_admin_key_changes_total, with all labels starting at 0. */
export function watchAuth(registry: Registry, logger: Logger): AuthWatch {
  const outcomes = new Counter({
    name: 'kpay_admin_auth_total',
    help: 'Requests to the admin API by how their caller was authenticated, or why it was refused.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const changes = new Counter({
    name: 'kpay_admin_key_changes_total',
    help: 'Keys of the admin API that were made or revoked by this process.',
    labelNames: ['change'],
    registers: [registry],
  });
  for (const outcome of [...WAYS, ...denials]) outcomes.inc({ outcome }, 0);
  for (const change of CHANGES) changes.inc({ change }, 0);
  const say = fewLines();
  return {
    letIn(caller, request) {
      const way = wayOf(caller);
      outcomes.inc({ outcome: way });
      if (way !== 'bootstrap') return;
      say('bootstrap', BOOTSTRAP_EVERY_MS, (count) => logger.info({ ...request, count }, 'the bootstrap token was used'));
    },
    denied(denial, who, request) {
      outcomes.inc({ outcome: denial });
      say(denial, DENIED_EVERY_MS, (count) => logger.warn({ denial, ...who, ...request, count }, 'a request was denied'));
    },
    keyChanged({ change, row, others = [], caller }) {
      changes.inc({ change }, 1 + others.length);
      const { id: keyId, name, owner, scopes, accounts, expires_at: expiresAt } = row;
      const key = { keyId, name, owner, scopes, accounts, expiresAt, ...(change === 'revoked' && { alsoRevoked: others }) };
      logger.info({ ...key, by: caller.owner, byKeyId: caller.apiKey?.id }, `a key was ${change}`);
    },
  };
}

function wayOf({ apiKey, tokenEndsAt }: Caller): (typeof WAYS)[number] {
  if (apiKey) return 'key';
  return tokenEndsAt ? 'oidc' : 'bootstrap';
}

/**
 * Writes at most one line per period for each reason: the first at once; those that follow within the period as one
 * line at its end, with the latest of them and their count.
 */
function fewLines(): (reason: string, everyMs: number, write: (count: number) => void) => void {
  const waiting = new Map<string, { count: number; write: (count: number) => void }>();
  const begin = (reason: string, everyMs: number) => {
    waiting.set(reason, { count: 0, write: () => {} });
    setTimeout(() => {
      const kept = waiting.get(reason);
      waiting.delete(reason);
      if (!kept || kept.count === 0) return;
      kept.write(kept.count);
      begin(reason, everyMs);
    }, everyMs).unref();
  };
  return (reason, everyMs, write) => {
    const kept = waiting.get(reason);
    if (kept) {
      waiting.set(reason, { count: kept.count + 1, write });
      return;
    }
    write(1);
    begin(reason, everyMs);
  };
}
