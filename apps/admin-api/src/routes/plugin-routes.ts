import { within } from '@kpay/ledger';
import type { Plugin, Route } from '@kpay/transfers/plugin';
import { asPlugin } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireAllAccounts } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { Problem } from '../problems/problem.ts';

const ANSWER_WITHIN_MS = 10_000;

/**
 * Makes the routes of plugins, below /plugins/<name>. A route that throws or hangs answers 500; the error is in the
 * log.
 */
export function pluginRoutes(plugins: readonly Plugin[]): Operation[] {
  return plugins.flatMap(({ name, routes = [] }) => routes.map((route) => operationOf(name, route)));
}

function operationOf(plugin: string, route: Route): Operation {
  return describeOperation({
    name: `${plugin}-${route.name}`,
    method: route.method,
    path: `/plugins/${plugin}${route.path}`,
    scope: route.method === 'get' ? 'read' : 'control',
    summary: route.summary,
    query: z.looseObject({}),
    ...(route.method === 'post' && { body: z.unknown(), unrepeatable: true as const }),
    answer: { status: 200, schema: z.unknown() },
    async handle({ id, query, body, caller }) {
      if (!route.byAccount) requireAllAccounts(caller);
      const { owner, accounts } = caller;
      const handle = (signal: AbortSignal) =>
        asPlugin(plugin, () => route.handle({ id, query: query as Record<string, unknown>, body, owner, accounts, signal }));
      try {
        const answer: unknown = await within(ANSWER_WITHIN_MS, undefined, handle);
        // Converted here, so that an answer that is no JSON counts as the plugin's failure, too.
        return { body: JSON.parse(JSON.stringify(answer ?? null)) };
      } catch (error) {
        throw new Problem('internal_error', `The plugin ${plugin} failed to answer; the log has the reason.`, {
          cause: error,
          // It is unknown what the plugin did before it failed.
          safeToRetry: route.method === 'get',
          ...(route.method === 'post' && { moneyMoved: 'unknown' as const }),
        });
      }
    },
  });
}
