export { type Acceptance, acceptTransfer, type TransferOrder } from './accept.ts';
export { acceptAllOrNone, acceptBatch, type BatchResult, type Refusal } from './accept-batch.ts';
export { type AccountRuleSettings, type AccountRules, noRules, readAccountRules } from './account-rules.ts';
export { type Advancer, advanceTransfer } from './advance.ts';
export { type Business, findBusyAccounts } from './busy-accounts.ts';
export { changeKeys } from './change-keys.ts';
export type { Check, CheckContext, Verdict } from './checks/check.ts';
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
export { AheadOfLedger, createEventFeed, type EventFeed } from './event-feed.ts';
export {
  countFinished,
  type EventHorizon,
  type LedgerFigures,
  readEventHorizon,
  readLedgerFigures,
  type UnfinishedFigure,
} from './figures/ledger-figures.ts';
export { type Outflow, ratePairsInUse, recentOutflow } from './figures/recent-outflow.ts';
export { findApiKeys } from './find-api-keys.ts';
export {
  findStopped,
  findTransfer,
  listTransferEvents,
  listTransfers,
  type TransferFilter,
  type TransferPosition,
} from './find-transfers.ts';
export {
  ADVANCE_JOB,
  advanceQueueName,
  createHint,
  createHinter,
  type Hint,
  type RebuiltHints,
  rebuildHints,
  sweepDue,
} from './hints.ts';
export type { KeyLimit, LimitedKey } from './key-limit.ts';
export { isUnstorable } from './ledger/gather.ts';
export { createLedger, type Ledger, type LedgerStatement, type LedgerTransaction } from './ledger/ledger.ts';
export { isLedgerAway } from './ledger/ledger-away.ts';
export { ledgerMissing } from './ledger/ledger-missing.ts';
export {
  grantWorkingRights,
  LedgerBehind,
  LedgerUnusable,
  lookAtSchema,
  migrateLedger,
  openLedger,
  prepareLedger,
} from './ledger/migrate.ts';
export type { ApiKeyRow, LedgerSchema, PauseRow, QuoteRow, TransferEventRow, TransferRow } from './ledger/schema.ts';
export { type TransferState, transferStates } from './ledger/schema.ts';
export { createMaintenance, type Maintenance, type MaintenanceOptions, type RebuiltQueue } from './maintenance.ts';
export { type OpenAccountsOptions, openAccounts } from './open-accounts.ts';
export { type Cancellation, cancelTransfer } from './operations/cancel-transfer.ts';
export { type DryRun, dryRunTransfer, type Opinion } from './operations/dry-run.ts';
export { type Replay, replayTransfer } from './operations/replay-transfer.ts';
export {
  type Resolution,
  resolveReview,
  type Verdict as ReviewVerdict,
  verdicts as reviewVerdicts,
} from './operations/resolve-review.ts';
export { type ResolvedReviews, type ReviewFilter, resolveReviews } from './operations/resolve-reviews.ts';
export { type ReviewEvidence, reviewEvidence, type SeenBalance } from './operations/review-evidence.ts';
export { liftPause, listPauses, type PauseScope, pause } from './pauses.ts';
export { type Pin, pinAccount } from './pin.ts';
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
export { leaveSink, type SinkTeller, tellSink } from './plugins/tell-sink.ts';
export { within } from './plugins/within.ts';
export {
  decimalSchema,
  presentEvent,
  presentTransfer,
  type TransferEventView,
  type TransferView,
  transferEventViewSchema,
  transferViewSchema,
} from './present.ts';
export { presentQuote, type QuoteView, quote, quoteViewSchema } from './quotes.ts';
export { parseQuoteRequest, type QuoteRequest, quoteRequestSchema } from './request.ts';
export { decide } from './restore/decide.ts';
export type { Epoch, EpochCopy } from './restore/epoch-copy.ts';
export { createFileEpochCopy } from './restore/file-epoch-copy.ts';
export { type FinishedRestore, finishRestore } from './restore/finish-restore.ts';
export { ForeignLedger, type LedgerEpoch, type LedgerEpochOptions, openLedgerEpoch } from './restore/ledger-epoch.ts';
export { lookAtEpoch } from './restore/look-at-epoch.ts';
export { createRedisEpochCopy } from './restore/redis-epoch-copy.ts';
export { isFinal, legalMoves, moneyMoved } from './states.ts';
export { wakeByRules, wakePayable } from './wake/wake-by-rules.ts';
export { wakeFunded } from './wake/wake-funded.ts';
export { wakeRated } from './wake/wake-rated.ts';
