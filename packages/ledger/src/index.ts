export { gather, isUnstorable } from './gather.ts';
export { createLedger, eachOf, type Ledger, type LedgerStatement, type LedgerTransaction, prepared, timeOf } from './ledger.ts';
export { isLedgerAway } from './ledger-away.ts';
export { ledgerMissing } from './ledger-missing.ts';
export {
  grantWorkingRights,
  LedgerBehind,
  LedgerUnusable,
  lookAtSchema,
  migrateLedger,
  openLedger,
  prepareLedger,
} from './migrate.ts';
export * from './schema.ts';
export { currentTraceparent } from './traceparent.ts';
