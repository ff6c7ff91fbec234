import { type Job, SpanKind, trace } from 'bullmq';
import { queueTelemetry } from './start-telemetry.ts';

/**
 * Runs a part of a job's processing in BullMQ's `process` span, in the trace that the job carries. For processors of an
 * `untraced` worker, whose jobs come back too often for a span each time.
 */
export function traceJob<T>({ queueName, opts }: Job, run: () => Promise<T>): Promise<T> {
  return trace(queueTelemetry(), SpanKind.CONSUMER, queueName, 'process', queueName, run, opts.telemetry?.metadata);
}
