export { type AdminApiOptions, createAdminApi } from './admin-api.ts';
export type { ProblemBody, ProblemCode } from './problems/problem.ts';
export { openBoardQueues } from './queue-board.ts';
export { openAdminApi } from './run-admin-api.ts';
export { type RunningAdminApi, startAdminApi } from './start-admin-api.ts';
