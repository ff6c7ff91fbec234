export { type Budget, type BudgetOptions, type BudgetSlot, budgetRules, createBudget, type TakeOptions } from './budget.ts';
export {
  type BudgetRules,
  type BudgetStore,
  createMemoryBudgetStore,
  type Lane,
  lanes,
  mayTake,
  type SentBefore,
  type SlotEnd,
  type Take,
} from './budget-store.ts';
export {
  countries,
  currenciesOf,
  currencyOf,
  exponentOf,
  operationTypes,
  type Provider,
  providerStatuses,
  providers,
  UnknownCountry,
} from './catalogue.ts';
export {
  type Call,
  type CallOptions,
  createKpayClient,
  type Environment,
  type KpayClient,
  type KpayClientOptions,
  type TransferPermit,
} from './client.ts';
export { type Clock, systemClock } from './clock.ts';
export type { Drift } from './drift.ts';
export type {
  CountryAvailability,
  ExchangeRate,
  Me,
  OperationStatus,
  PredictedProvider,
  ProviderAvailability,
  WalletBalance,
} from './endpoints.ts';
export { InvalidSettings, OutcomeUnknown, Rejected, Retryable, type RetryableReason, type UnknownReason } from './errors.ts';
export {
  compareRates,
  convert,
  formatAmount,
  InvalidAmount,
  type Money,
  parseAmount,
  parseRate,
  transferBounds,
} from './money.ts';
export {
  createObservations,
  type ObservationFailure,
  type ObservationName,
  type Observations,
  type ObservationsOptions,
  type Observed,
  type ObserveOptions,
} from './observations.ts';
export {
  type AccountOptions,
  type AccountSettings,
  createMemoryStores,
  type Keys,
  type KpayAccount,
  openKpayAccount,
  type Stores,
} from './open-account.ts';
export type { Seal } from './seal.ts';
export { createMemorySharedStore, type SharedEntry, type SharedStore } from './shared-store.ts';
export { type Dated, isStillGood } from './still-good.ts';
export { type TransferRequestFields, transferBody } from './transfer-body.ts';
export type { TransactionLeg, TransferReceipt } from './transfer-receipt.ts';
export { type KnownTransfer, transferUntilKnown, type UntilKnownOptions } from './transfer-until-known.ts';
