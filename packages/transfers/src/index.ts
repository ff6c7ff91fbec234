export {
  type ApiKeyRow,
  createLedger,
  grantWorkingRights,
  isLedgerAway,
  isUnstorable,
  type Ledger,
  LedgerBehind,
  type LedgerSchema,
  type LedgerStatement,
  type LedgerTransaction,
  LedgerUnusable,
  ledgerMissing,
  lookAtSchema,
  migrateLedger,
  openLedger,
  type PauseRow,
  prepareLedger,
  type QuoteRow,
  type TransferEventRow,
  type TransferRow,
  type TransferState,
  transferStates,
} from '@kpay/ledger';
export { type Acceptance, acceptTransfer, type TransferOrder } from './accept/accept.ts';
export { acceptAllOrNone, acceptBatch, type BatchResult, type Refusal } from './accept/accept-batch.ts';
export type { KeyLimit, LimitedKey } from './accept/key-limit.ts';
export { presentQuote, type QuoteView, quote, quoteViewSchema } from './accept/quotes.ts';
export { parseQuoteRequest, type QuoteRequest, quoteRequestSchema } from './accept/request.ts';
export { changeKeys } from './accounts/change-keys.ts';
export { type OpenAccountsOptions, openAccounts } from './accounts/open-accounts.ts';
export { checkPin, comparePin, type Pin, pinAccount } from './accounts/pin.ts';
export { type AccountRuleSettings, type AccountRules, noRules, readAccountRules } from './checks/account-rules.ts';
export type { Check, CheckContext, CheckVerdict } from './checks/check.ts';
export { fundsCheck } from './checks/funds.ts';
export { rateCheck } from './checks/rate.ts';
export { scheduleCheck } from './checks/schedule.ts';
export {
  EpochUnknown,
  IdempotencyConflict,
  InvalidRequest,
  KeyEnded,
  LedgerRestored,
  PinMismatch,
  SpendLimitExceeded,
} from './errors.ts';
export { deliverToSink, leaveSink, type SinkDelivery } from './events/deliver-to-sink.ts';
export { AheadOfLedger, createEventFeed, type EventFeed } from './events/event-feed.ts';
export { findPauseRow, liftPause, listPauses, type PauseScope, pause } from './holds/pauses.ts';
export { wakeByRules, wakePayable } from './holds/wake-by-rules.ts';
export { wakeFunded } from './holds/wake-funded.ts';
export { wakeRated } from './holds/wake-rated.ts';
export { lineOfKey, lockKeys, revokeKeys } from './keys/key-tree.ts';
export { type Cancellation, cancelTransfer } from './operations/cancel-transfer.ts';
export { type CheckResult, type DryRun, dryRunTransfer } from './operations/dry-run.ts';
export { createMaintenance, type Maintenance, type MaintenanceOptions, type RebuiltQueue } from './operations/maintenance.ts';
export { type Replay, replayTransfer } from './operations/replay-transfer.ts';
export {
  type Resolution,
  type ReviewResolution,
  resolveReview,
  reviewResolutions,
} from './operations/resolve-review.ts';
export { type ResolvedReviews, type ReviewFilter, resolveReviews } from './operations/resolve-reviews.ts';
export { type ReviewEvidence, reviewEvidence, type SeenBalance } from './operations/review-evidence.ts';
export { checksOf } from './plugins/built-in.ts';
export { loadPlugins } from './plugins/load-plugins.ts';
export {
  BUILT_IN,
  type Collector,
  type CollectorAccount,
  definePlugin,
  type Plugin,
  type Route,
  type RouteCall,
  type SeenOfKpay,
  type Sink,
  type SinkEvent,
} from './plugins/plugin.ts';
export { asPlugin, containStrayErrors } from './plugins/stray-errors.ts';
export { within } from './plugins/within.ts';
export { type FoundApiKey, findApiKeys } from './queries/find-api-keys.ts';
export {
  findStopped,
  findTransfer,
  listTransferEvents,
  listTransfers,
  type TransferFilter,
  type TransferPosition,
} from './queries/find-transfers.ts';
export {
  countFinished,
  type EventHorizon,
  type LedgerFigures,
  readEventHorizon,
  readLedgerFigures,
  type UnfinishedFigure,
} from './queries/ledger-figures.ts';
export {
  decimalSchema,
  presentEvent,
  presentTransfer,
  type TransferEventView,
  type TransferView,
  transferEventViewSchema,
  transferViewSchema,
} from './queries/present.ts';
export { type Outflow, ratePairsInUse, recentOutflow } from './queries/recent-outflow.ts';
export { type AccountActivity, findAccountActivity } from './queue/account-activity.ts';
export {
  ADVANCE_JOB,
  advanceQueueName,
  createAdvanceNotifier,
  createAdvanceNotifiers,
  type Hint,
} from './queue/advance-queue.ts';
export { type RebuiltHints, rebuildAdvanceQueue, sweepDue } from './queue/sweep.ts';
export { compareEpoch } from './restore/compare-epoch.ts';
export type { Epoch, EpochWitness } from './restore/epoch-witness.ts';
export { createFileEpochWitness } from './restore/file-epoch-witness.ts';
export { type FinishedRestore, finishRestore } from './restore/finish-restore.ts';
export { ForeignLedger, type LedgerEpoch, type LedgerEpochOptions, openLedgerEpoch } from './restore/ledger-epoch.ts';
export { recordDecision } from './restore/record-decision.ts';
export { createRedisEpochWitness } from './restore/redis-epoch-witness.ts';
export { advanceTransfer, type TransferEngine } from './send/advance.ts';
export {
  type AttemptOutcome,
  attemptOutcomes,
  type EventType,
  eventTypes,
  type ReasonCode,
  reasonCodes,
} from './states/reasons.ts';
export { isFinal, legalTransitions, moneyMoved } from './states/states.ts';
