import type { SpendLimit } from '../../src/checks/spend-limit.ts';
import { type FaultOdds, usualOdds } from './faults.ts';

/** The weight of each thing that can happen next. */
export const happenings = {
  step: 90,
  deliver: 20,
  sweep: 8,
  wait: 5,
  accept: 4,
  acceptAgain: 1,
  crash: 1.5,
  freeze: 2.5,
  pause: 1,
  lift: 2,
  cancel: 1.2,
  resolve: 4,
  replay: 0.7,
  revokeTokens: 1,
  rotateKeys: 1,
  restart: 0.7,
  misconfigure: 0.8,
  deposit: 3,
  withdraw: 0,
  rate: 1,
  read: 0,
  wipe: 0.5,
  outage: 1,
  backUp: 0,
  restore: 0,
  finishRestore: 0,
};
export type Happening = keyof typeof happenings;

/**
 * What a run concentrates on. Everything can happen in every run. But a situation that needs several rare things in a
 * row would come up in one run of a thousand. So some runs have a scenario in which these are frequent.
 */
export interface Scenario {
  name: string;
  happenings: Readonly<Record<Happening, number>>;
  odds: FaultOdds;
  /** How many things happen before the faults stop. */
  actions: number;
  ordersAtStart: number;
  /** Requests a minute; one of these is chosen. */
  limits: readonly number[];
  /** The longest time until the next thing happens. */
  waitsMs: readonly number[];
  /** How often a process is stopped with the answer to a send in its hands, until after its lease. */
  frozenWithAnswer: number;
  /** Whether there is enough money for everything, so that only the limits delay transfers. */
  rich: boolean;
  spendLimits: readonly SpendLimit[];
}

const usual: Scenario = {
  name: 'anything',
  happenings,
  odds: { ...usualOdds, read: 0.12 },
  actions: 180,
  ordersAtStart: 3,
  // Low enough that the limit matters in some runs, and more than enough in others.
  limits: [8, 14, 40],
  waitsMs: [1_000, 6_000, 20_000, 28_000, 34_000, 46_000, 130_000],
  frozenWithAnswer: 0,
  rich: false,
  spendLimits: [],
};

function scenario(name: string, changes: Partial<Omit<Scenario, 'happenings' | 'odds'>> & Changes): Scenario {
  return {
    ...usual,
    ...changes,
    name,
    happenings: { ...happenings, ...changes.happenings },
    odds: { ...usualOdds, ...changes.odds },
  };
}

interface Changes {
  happenings?: Partial<Record<Happening, number>>;
  odds?: Partial<FaultOdds>;
}

// Without other disturbances, which would only interrupt what the scenario is about.
const calm = { crash: 0.3, freeze: 0.3, misconfigure: 0, rotateKeys: 0, wipe: 0, outage: 0, pause: 0.3, revokeTokens: 0.3 };

export const scenarios: readonly Scenario[] = [
  usual,
  scenario('answers that come after the lease', {
    happenings: { ...calm, sweep: 16, wait: 8, resolve: 2 },
    odds: { late: 0.15, lost: 0.35, refused: 0.3, refusedAfterUnknown: 0.3 },
    waitsMs: [1_000, 6_000, 20_000, 46_000],
    frozenWithAnswer: 0.35,
    limits: [40],
  }),
  scenario('calls that run on while others are answered 409', {
    happenings: { ...calm, sweep: 16, wait: 16, accept: 1, cancel: 0.3, resolve: 2 },
    actions: 300,
    odds: { late: 0.8, running: 60, fails: 0.85, gatewayTimeout: 0.9, leastMs: 30_000, lost: 0.2, refused: 0.1 },
    waitsMs: [1_000, 3_000, 6_000, 12_000, 34_000],
    limits: [40],
  }),
  scenario('refusals', {
    happenings: { ...calm, crash: 1, sweep: 16, wait: 8, resolve: 3, deposit: 5 },
    odds: { late: 0.05, lost: 0.4, refused: 0.5, lostAfterRefusal: 0.7, refusedAfterUnknown: 0.5 },
    waitsMs: [6_000, 20_000, 34_000],
    limits: [40],
  }),
  scenario('the limit', {
    happenings: { ...calm, crash: 2, freeze: 1.5, accept: 9, read: 40, deliver: 40, wait: 7, cancel: 0.3 },
    odds: { late: 0.2, lost: 0.05, refused: 0.05, refusedAfterUnknown: 0.05, read: 0.01 },
    ordersAtStart: 6,
    limits: [8, 10],
    waitsMs: [1_000, 6_000, 20_000, 34_000],
    rich: true,
  }),
  scenario('too many requests', {
    happenings: { ...calm, accept: 8, deliver: 40 },
    odds: { late: 0.05, lost: 0.1, rateLimited: 0.2, read: 0.15 },
    ordersAtStart: 6,
    limits: [40],
    waitsMs: [1_000, 6_000],
    rich: true,
  }),
  scenario('money that others take', {
    happenings: { ...calm, accept: 8, withdraw: 5, deposit: 5, wait: 10, deliver: 30 },
    odds: { late: 0.1, lost: 0.15 },
    waitsMs: [1_000, 6_000, 28_000, 34_000],
    limits: [40],
  }),
  scenario('restores', {
    happenings: { ...calm, crash: 1, restart: 1, wipe: 0.3, backUp: 5, restore: 4, finishRestore: 6, acceptAgain: 4, wait: 8 },
    odds: { lost: 0.4, refused: 0.3, refusedAfterUnknown: 0.6, lostAfterRefusal: 0.5 },
    waitsMs: [1_000, 20_000, 34_000, 46_000],
    limits: [40],
  }),
  scenario('spend limits', {
    happenings: { ...calm, accept: 10, deliver: 40, wait: 8, pause: 1.5 },
    odds: { late: 0.1, lost: 0.2, refused: 0.1 },
    ordersAtStart: 8,
    waitsMs: [1_000, 20_000, 46_000, 130_000],
    limits: [40],
    rich: true,
    spendLimits: [
      { currency: 'XAF', amountMinor: 250_000n, hours: 1 / 12, corridor: null },
      { currency: 'XAF', amountMinor: 100_000n, hours: 1 / 20, corridor: 'GAB-CMR' },
    ],
  }),
];

/** The theme of three in four general runs. Each takes a whole run, and few are needed. */
const seldom: readonly Scenario[] = [
  scenario('outages', {
    happenings: { ...calm, outage: 4, accept: 9, sweep: 20, wait: 10, cancel: 0.3 },
    odds: { late: 0.05 },
    actions: 260,
    ordersAtStart: 6,
    limits: [40],
    waitsMs: [1_000, 6_000, 20_000, 34_000, 46_000],
    rich: true,
  }),
  scenario('wrong settings', {
    happenings: { ...calm, misconfigure: 4, rotateKeys: 3, restart: 2, accept: 8, deliver: 40 },
    limits: [40],
    rich: true,
  }),
  scenario('pauses', {
    happenings: { ...calm, pause: 2, lift: 4, accept: 12, deliver: 40, wait: 4 },
    limits: [40],
    rich: true,
  }),
];

export function scenarioOf(seed: number): Scenario {
  const own = scenarios[seed % scenarios.length] ?? usual;
  return own === usual ? (seldom[Math.floor(seed / scenarios.length) % (seldom.length + 1)] ?? usual) : own;
}

/** The n-th seed of a scenario, starting at 1; undefined when there is no such scenario. */
export function seedOf(name: string, n: number): number | undefined {
  const place = scenarios.findIndex((each) => each.name === name);
  if (place > 0) return n * scenarios.length + place;
  const quarter = place === 0 ? seldom.length : seldom.findIndex((each) => each.name === name);
  return quarter < 0 ? undefined : (n * (seldom.length + 1) + quarter) * scenarios.length;
}

/**
 * Further faults in one run of seven, whatever its scenario, and their probability after each thing that happens. The
 * other runs stay as they are, and so do the seeds that are known to catch a mutation.
 */
export const RARE = 0.04;
export const rareHappenings = { replayTogether: 3, revokedKey: 3, refuseWrites: 3, quietHour: 1 };
export type RareHappening = keyof typeof rareHappenings;

export function isRare(seed: number): boolean {
  // An outage takes its whole run.
  return seed % 7 === 5 && scenarioOf(seed).name !== 'outages';
}
