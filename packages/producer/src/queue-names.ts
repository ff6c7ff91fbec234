/** The name of every job in a transfer queue. */
export const TRANSFER_JOB = 'transfer';

/** The door: the queue in which other services put transfers of an account. */
export function transferQueueName(account: string): string {
  return `kpay-transfers-${account}`;
}

/** The BullMQ prefix of an account. The braces keep all of its keys in one slot of a Redis Cluster. */
export function queuePrefix(account: string): string {
  return `{kpay-${account}}`;
}
