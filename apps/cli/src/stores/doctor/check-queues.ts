import { queuePrefix, transferQueueName } from '@kpay/producer';
import type { Queues } from '@kpay/runtime';
import type { Finding } from './finding.ts';

/** Queues with jobs that no account stands behind: nobody will ever take them. */
export async function checkQueues(queues: Pick<Queues, 'findQueues'>, accounts: readonly string[]): Promise<Finding> {
  const check = 'queues';
  const found = await queues.findQueues({ prefix: queuePrefix('').slice(0, -1), name: transferQueueName('') });
  const known = new Set(accounts);
  const unknown = found.filter(
    ({ prefix, name }) =>
      ![...known].some(
        (account) => name === transferQueueName(account) && (prefix === undefined || prefix === queuePrefix(account)),
      ),
  );
  if (unknown.length === 0) return { check, verdict: 'good', what: 'each has an account' };
  const names = unknown.map(({ prefix, name }) => (prefix === undefined ? name : `${prefix}:${name}`).slice(0, 100));
  return {
    check,
    verdict: 'wrong',
    what: `jobs wait where no account stands behind: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`,
    fix: 'add the account to KPAY_ACCOUNTS_FILE, or correct the name in the service that enqueues',
  };
}
