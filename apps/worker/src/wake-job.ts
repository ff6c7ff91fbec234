import { TRANSFER_JOB } from '@kpay/producer';
import { ErrorCode, Job, type Queue } from 'bullmq';

/**
 * Lets a job that follows a transfer look at it now. A job that is active or gone cannot be woken; its own bounded
 * delay, or nobody, looks then.
 */
export async function wakeJob(queue: Queue, jobId: string): Promise<void> {
  try {
    // Made here and not read: it is known by its id alone.
    await new Job(queue, TRANSFER_JOB, {}, {}, jobId).promote();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== ErrorCode.JobNotInState && code !== ErrorCode.JobNotExist) throw error;
  }
}
