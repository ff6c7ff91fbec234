import './client/node-version.ts';

export { type Budget, type BudgetOptions, type BudgetSlot, budgetRules, createBudget, type TakeOptions } from './budget.ts';
export type { CallOptions } from './client/call-options.ts';
export {
  createKpayClient,
  type Environment,
  type KpayClient,
  type KpayClientOptions,
  type SendOptions,
  type TransferPermit,
} from './client/client.ts';
export type { Drift } from './client/drift.ts';
export type {
  CountryAvailability,
  ExchangeRate,
  Me,
  MeApplication,
  MeCompany,
  OperationStatus,
  PredictedProvider,
  ProviderAvailability,
} from './client/endpoints.ts';
export type { CertificateAuthorities, HttpDispatcher } from './client/exchange.ts';
export type { Call, CallOutcome, Hooks, RequestEvent, ResponseEvent } from './client/hooks.ts';
export { boundPassed, type JsonBounds } from './client/json-bounds.ts';
export { type Proxy, proxyOf } from './client/proxy.ts';
export {
  type TransferAmount,
  type TransferFields,
  type TransferRequestFields,
  transferBody,
} from './client/transfer-body.ts';
export { createFileMemory, type TransferMemory } from './client/transfer-memory.ts';
export type { TransactionLeg, TransferReceipt } from './client/transfer-receipt.ts';
export {
  type KnownTransfer,
  type TransferSender,
  transferUntilKnown,
  type UntilKnownOptions,
} from './client/transfer-until-known.ts';
export { verifyWebhook } from './client/verify-webhook.ts';
export { type BalanceMinor, type WalletBalance, walletBalance } from './client/wallet-balance.ts';
export {
  ClosedError,
  type ErrorCode,
  InvalidAmount,
  InvalidAmountError,
  InvalidArgumentError,
  InvalidSettings,
  InvalidSettingsError,
  KpayAbortError,
  KpayError,
  type KpayErrorOptions,
  OutcomeUnknown,
  OutcomeUnknownError,
  Rejected,
  RejectedError,
  Retryable,
  RetryableError,
  type RetryableReason,
  UnknownCountry,
  UnknownCountryError,
  type UnknownReason,
} from './errors.ts';
export {
  type AccountOptions,
  type AccountSettings,
  type Keys,
  Kpay,
  type KpayAccount,
  type KpayOptions,
  openKpayAccount,
} from './kpay.ts';
export {
  type Country,
  type Currency,
  countries,
  currenciesOf,
  currencyOf,
  exponentOf,
  type OpenUnion,
  type OperationType,
  operationTypes,
  type Provider,
  type ProviderCode,
  type ProviderStatus,
  providerStatuses,
  providers,
} from './money/catalogue.ts';
export {
  compareRates,
  convert,
  formatAmount,
  type Money,
  type MoneyJson,
  moneyOf,
  parseAmount,
  parseRate,
  transferBounds,
} from './money/money.ts';
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
  type BudgetRules,
  type BudgetStore,
  createMemoryBudgetStore,
  type Lane,
  lanes,
  mayTake,
  type SentBefore,
  type SlotEnd,
  type Take,
} from './stores/budget-store.ts';
export type { Seal } from './stores/seal.ts';
export { createMemorySharedStore, type SharedEntry, type SharedStore } from './stores/shared-store.ts';
export { createMemoryStores, type Stores } from './stores/stores.ts';
export { type Clock, systemClock } from './time/clock.ts';
export { type Dated, isStillGood } from './time/still-good.ts';
