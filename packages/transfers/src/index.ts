// For services that accept and read transfers. Plugins import from ./plugin, operations by people from ./operations,
// and processes that advance transfers from ./worker.
export {
  createLedger,
  type Ledger,
  type LedgerSchema,
  type LedgerTransaction,
  migrateLedger,
  type TransferEventRow,
  type TransferRow,
  type TransferState,
  transferStates,
} from '@kpay/ledger';
export { type Acceptance, acceptTransfer, type TransferOrder } from './accept/accept.ts';
export { acceptAllOrNone, acceptBatch, type BatchOrder, type BatchResult, type Refusal } from './accept/accept-batch.ts';
export type { KeyLimit, LimitedKey } from './accept/key-limit.ts';
export { presentQuote, type QuoteView, quote, quoteViewSchema } from './accept/quotes.ts';
export { parseQuoteRequest, type QuoteRequest, quoteRequestSchema } from './accept/request.ts';
export {
  EpochUnknown,
  IdempotencyConflict,
  InvalidRequest,
  KeyEnded,
  LedgerRestored,
  PinMismatch,
  SpendLimitExceeded,
  UnknownAccount,
} from './errors.ts';
// Deprecated here: plugins import from @kpay/transfers/plugin. It stays for one release.
export * from './faces/plugin.ts';
export {
  findStopped,
  findTransfer,
  listTransferEvents,
  listTransfers,
  type TransferFilter,
  type TransferPosition,
} from './queries/find-transfers.ts';
export {
  decimalSchema,
  presentEvent,
  presentTransfer,
  type TransferEventView,
  type TransferView,
  transferEventViewSchema,
  transferViewSchema,
} from './queries/present.ts';
export {
  type AttemptOutcome,
  attemptOutcomes,
  type EventType,
  eventTypes,
  type ReasonCode,
  reasonCodes,
} from './states/reasons.ts';
export { isFinal, legalTransitions, moneyMoved } from './states/states.ts';
