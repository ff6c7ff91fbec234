// What people do with transfers: cancel, resolve, replay, pause, change keys, finish a restore, maintain.
export { findPauseRow, liftPause, listPauses, type PauseScope, pause } from '../holds/pauses.ts';
export { lineOfKey, lockKeys, revokeKeys } from '../keys/key-tree.ts';
export { type Cancellation, cancelTransfer } from '../operations/cancel-transfer.ts';
export { type CheckResult, type DryRun, dryRunTransfer } from '../operations/dry-run.ts';
export { createMaintenance, type Maintenance, type MaintenanceOptions, type RebuiltQueue } from '../operations/maintenance.ts';
export { type Replay, replayTransfer } from '../operations/replay-transfer.ts';
export { type Resolution, type ReviewResolution, resolveReview, reviewResolutions } from '../operations/resolve-review.ts';
export { type ResolvedReviews, type ReviewFilter, resolveReviews } from '../operations/resolve-reviews.ts';
export { type ReviewEvidence, reviewEvidence, type SeenBalance } from '../operations/review-evidence.ts';
export { type FoundApiKey, findApiKeys } from '../queries/find-api-keys.ts';
export { type FinishedRestore, finishRestore } from '../restore/finish-restore.ts';
export { recordDecision } from '../restore/record-decision.ts';
