export { type RunningWorker, startWorker, type WorkerOptions } from './start-worker.ts';
export { createTransferMetrics, type TransferMetrics } from './transfer-metrics.ts';
