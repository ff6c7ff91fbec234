export type {
  AddedApplication,
  AvailabilityChange,
  BalanceChange,
  Control,
  KeyRotation,
  LimitChange,
  MoneyCheck,
  RateChange,
  TransferUndoing,
  Truth,
  TruthQuery,
  WalletTruth,
} from './control/control.ts';
export { Refusal } from './model/answer.ts';
export { type ApplicationSpec, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from './model/application.ts';
export type { EndpointName } from './model/endpoints.ts';
export type { Fault, FaultRule, FaultRuleState } from './model/faults.ts';
export { Kpay, type KpayOptions } from './model/kpay.ts';
export type { RateLimitSettings } from './model/rate-limit.ts';
export type { RequestCounts, RequestEnding, RequestRecord } from './model/request-log.ts';
export type { TransferRecord, TruthEvent } from './model/truth-event.ts';
export type { WalletSpec } from './model/wallets.ts';
export { createSimulator, type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts';
