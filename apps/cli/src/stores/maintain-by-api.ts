import { StartError } from '@kpay/runtime';
import type { FinishedRestore, Maintenance, RebuiltQueue, ResolvedReviews } from '@kpay/transfers/operations';

/** The same maintenance through the API of the process that holds the data folder. */
export function maintainByApi({ url, token }: { url: string; token: string }): Maintenance {
  async function ask<Answer>(what: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    let answer: Response;
    try {
      answer = await fetch(`${url}/v1/maintenance/${what}`, { method: 'POST', headers, body: JSON.stringify(body) });
    } catch (error) {
      const why = `kpay is running on this data folder, but its API does not answer at ${url}: set ADMIN_API_PORT to its port, or stop it`;
      throw new StartError(why, { cause: error });
    }
    if (answer.ok) return (await answer.json()) as Answer;
    const { detail } = (await answer.json().catch(() => ({}))) as { detail?: string };
    const hint = answer.status === 401 ? ' Set KPAY_ADMIN_TOKEN to its token.' : '';
    throw new StartError(`the API at ${url} refused (${answer.status}): ${detail ?? 'no reason given'}${hint}`);
  }
  return {
    finishRestore: ({ unseen }) => ask<FinishedRestore>('finish-restore', { unseen }),
    async settle(filter, { verdict, reason }): Promise<ResolvedReviews> {
      type Settled = { resolved: number; left: number };
      const { resolved, left } = await ask<Settled>('settle-reviews', { ...filter, verdict, reason });
      return { resolved, skipped: left };
    },
    rebuildQueue: async () => (await ask<{ accounts: RebuiltQueue[] }>('rebuild-queue', {})).accounts,
  };
}
