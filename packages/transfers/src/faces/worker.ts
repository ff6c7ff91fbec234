// For the processes that advance transfers and watch the ledger: worker, exporter, `kpay up`.
export { changeKeys } from '../accounts/change-keys.ts';
export {
  type AccountOptions,
  type AccountSettings,
  type OpenAccountsOptions,
  openAccount,
  openAccounts,
} from '../accounts/open-accounts.ts';
export { checkPin, comparePin, type Pin, pinAccount } from '../accounts/pin.ts';
export { type AccountRuleSettings, type AccountRules, noRules, readAccountRules } from '../checks/account-rules.ts';
export { fundsCheck } from '../checks/funds.ts';
export { rateCheck } from '../checks/rate.ts';
export { scheduleCheck } from '../checks/schedule.ts';
export { deliverToSink, leaveSink, type SinkDelivery } from '../events/deliver-to-sink.ts';
export { AheadOfLedger, createEventFeed, type EventFeed } from '../events/event-feed.ts';
export { wakeByRules, wakePayable } from '../holds/wake-by-rules.ts';
export { wakeFunded } from '../holds/wake-funded.ts';
export { wakeRated } from '../holds/wake-rated.ts';
export { checksOf } from '../plugins/built-in.ts';
export { loadPlugins } from '../plugins/load-plugins.ts';
export { asPlugin, containStrayErrors } from '../plugins/stray-errors.ts';
export {
  countFinished,
  type EventHorizon,
  type LedgerStats,
  readEventHorizon,
  readLedgerStats,
  type UnfinishedStat,
} from '../queries/ledger-stats.ts';
export { type Outflow, ratePairsInUse, recentOutflow } from '../queries/recent-outflow.ts';
export { type AccountActivity, findAccountActivity } from '../queue/account-activity.ts';
export {
  type AdvanceJob,
  advanceQueueName,
  createAdvanceNotifier,
  createAdvanceNotifiers,
} from '../queue/advance-queue.ts';
export { sweepDue } from '../queue/sweep.ts';
export { compareEpoch } from '../restore/compare-epoch.ts';
export type { Epoch, EpochWitness } from '../restore/epoch-witness.ts';
export { createFileEpochWitness } from '../restore/file-epoch-witness.ts';
export { ForeignLedger, type LedgerEpoch, type LedgerEpochOptions, openLedgerEpoch } from '../restore/ledger-epoch.ts';
export { createRedisEpochWitness } from '../restore/redis-epoch-witness.ts';
export { advanceTransfer, type TransferEngine } from '../send/advance.ts';
