export { openWorker } from './run-worker.ts';
export { type RunningWorker, startWorker, type WorkerOptions } from './start-worker.ts';
