import { within } from '@kpay/ledger';
import type { Plugin, Route } from '@kpay/transfers/plugin';
import { asPlugin } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireAllAccounts } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { Problem } from '../problems/problem.ts';

const ANSWER_WITHIN_MS = 10_000;

/** The routes of plugins, below /plugins/<name>. One that throws or hangs answers 500; what it threw is in the log. */
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
        // Here, so that what is no JSON is the plugin's failure too.
        return { body: JSON.parse(JSON.stringify(answer ?? null)) };
      } catch (error) {
        throw new Problem('internal_error', `The plugin ${plugin} failed to answer; why is in the log.`, {
          cause: error,
          // Nobody here knows what the plugin did before it failed.
          safeToRetry: route.method === 'get',
          ...(route.method === 'post' && { moneyMoved: 'unknown' as const }),
        });
      }
    },
  });
}
