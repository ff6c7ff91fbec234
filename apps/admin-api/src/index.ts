export { type AdminApiOptions, createAdminApi } from './admin-api.ts';
export { openBoardQueues } from './queue-board.ts';
export { openAdminApi } from './run-admin-api.ts';
export { startAdminApi } from './start-admin-api.ts';
