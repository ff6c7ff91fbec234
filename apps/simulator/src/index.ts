export { Refusal } from './answer.ts';
export { type ApplicationSpec, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from './application.ts';
export type { Control, MoneyCheck, Truth, TruthQuery, WalletTruth } from './control.ts';
export type { EndpointName } from './endpoints.ts';
export type { Fault, FaultRule, FaultRuleState } from './faults.ts';
export { Kpay, type KpayOptions } from './kpay.ts';
export type { RequestCounts, RequestRecord } from './request-log.ts';
export { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';
export type { TransferRecord, TruthEvent } from './truth-event.ts';
