import { TRANSFER_JOB } from '@kpay/producer';
import { ErrorCode, Job, type Queue } from 'bullmq';

/**
 * Wakes the delayed job that follows a transfer, so that it reads the transfer now. A job that is active or gone cannot
 * be woken. An active one still reads the transfer when its own delay ends.
 */
export async function wakeJob(queue: Queue, jobId: string): Promise<void> {
  try {
    // Created without reading it from the queue: its id is enough.
    await new Job(queue, TRANSFER_JOB, {}, {}, jobId).promote();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== ErrorCode.JobNotInState && code !== ErrorCode.JobNotExist) throw error;
  }
}
