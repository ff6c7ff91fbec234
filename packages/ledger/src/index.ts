export { batchCalls, isUnstorable } from './batching/batch-calls.ts';
export { batchTurn } from './batching/batch-turn.ts';
export {
  createLedger,
  type Ledger,
  type LedgerStatement,
  type LedgerTransaction,
  prepared,
  rowsFromJson,
  timeOf,
} from './ledger.ts';
export { isLedgerAway } from './ledger-away.ts';
export { ledgerMissing } from './ledger-missing.ts';
export {
  grantWorkingRights,
  LedgerBehind,
  LedgerUnusable,
  migrateLedger,
  openLedger,
  prepareLedger,
  readSchemaState,
} from './migrate.ts';
export * from './schema.ts';
export { currentTraceparent } from './traceparent.ts';
export { TookTooLong, within } from './within.ts';
