import type { Queue } from 'bullmq';

/**
 * Lets a job that follows a transfer look at it now. A job that is active or gone cannot be woken; its own bounded
 * delay, or nobody, looks then.
 */
export async function wakeJob(queue: Queue, jobId: string): Promise<void> {
  const job = await queue.getJob(jobId);
  if (!job || (await job.getState()) !== 'delayed') return;
  try {
    await job.promote();
  } catch {
    // It became active or finished between the two calls.
  }
}
