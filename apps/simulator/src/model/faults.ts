import * as z from 'zod';
import { endpointNames } from './endpoints.ts';

const delayMs = z.number().nonnegative().max(600_000).optional();
/** Before: nothing is applied. After: it is applied, and the client cannot know. */
const when = z.enum(['before', 'after']).default('before');
const retryAfterSeconds = z.int().nonnegative().optional();

export const FaultSchema = z.discriminatedUnion('kind', [
  /** Waits delayMs, and up to jitterMs more, before or after applying. */
  z.strictObject({
    kind: z.literal('delay'),
    delayMs: z.number().nonnegative().max(600_000),
    jitterMs: z.number().nonnegative().max(600_000).default(0),
    when,
  }),
  /** Closes the connection without an answer; `reset` with a TCP reset. */
  z.strictObject({ kind: z.literal('drop'), when, reset: z.boolean().default(false), delayMs }),
  /** Applies, then sends the head and half of the body, and closes. */
  z.strictObject({ kind: z.literal('truncate'), delayMs }),
  /** Any error status; 503 may say when to come back. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599).default(500),
    when,
    as: z.enum(['json', 'text']).default('json'),
    retryAfterSeconds,
    delayMs,
  }),
  /** A page where JSON belongs; with status 200 or 201 it is an unreadable success. */
  z.strictObject({ kind: z.literal('html'), status: z.int().min(200).max(599).default(502), when, delayMs }),
  /** Any status with any text: a proxy's own refusal, a success with a status of its own, the answer to another request. */
  z.strictObject({
    kind: z.literal('answer'),
    status: z.int().min(200).max(599),
    body: z.string().max(1_000_000),
    contentType: z.string().max(200).default('application/json'),
    when,
    delayMs,
  }),
  z.strictObject({ kind: z.literal('unauthorized'), delayMs }),
  /** A 429 apart from the real limit; without retryAfterSeconds there is no Retry-After. A burst is `times`. */
  z.strictObject({ kind: z.literal('rate_limit'), retryAfterSeconds, delayMs }),
  /** Never answers. Ends when the client goes or the simulator closes. */
  z.strictObject({ kind: z.literal('hang'), when }),
  /** Whatever error is answered carries an array of messages. */
  z.strictObject({ kind: z.literal('message_array') }),
  /** Every enum of a successful answer (environment, status, operationType, leg type) is one nobody documented. */
  z.strictObject({ kind: z.literal('unknown_enum'), value: z.string().min(1).default('SOMETHING_NEW') }),
  /** The balance comes as one row a country, so that a currency comes several times. */
  z.strictObject({ kind: z.literal('balance_rows') }),
  /**
   * The transfer runs for delayMs and holds its externalId, so that a second call gets 409; then it fails or succeeds.
   * With gatewayTimeoutMs the caller is answered 504 after that, while the transfer runs on.
   */
  z.strictObject({
    kind: z.literal('conflict_while_running'),
    delayMs: z.number().nonnegative().max(600_000),
    outcome: z.enum(['fail', 'fail_and_burn', 'succeed']).default('fail'),
    status: z.int().min(400).max(599).default(500),
    gatewayTimeoutMs: z.number().nonnegative().optional(),
  }),
  /** 422, nothing moves, and the externalId is answered 409 from then on. */
  z.strictObject({ kind: z.literal('burn_id'), message: z.string().max(1_000_000).default('Insufficient funds') }),
]);
export type Fault = z.output<typeof FaultSchema>;

export const FaultRuleSchema = z.strictObject({
  match: z
    .strictObject({
      endpoint: z.enum(endpointNames).optional(),
      method: z.string().toUpperCase().optional(),
      applicationId: z.string().optional(),
      /** Either side of a transfer. */
      country: z.string().optional(),
      externalId: z.string().optional(),
      /** Only the nth request, from 1, that the rest of the rule matches. */
      nth: z.int().positive().optional(),
    })
    .default({}),
  probability: z.number().min(0).max(1).default(1),
  /** At most so many; without limit unless given. */
  times: z.int().positive().optional(),
  /** Of this rule's dice; made from the simulator's seed unless given. */
  seed: z.int().optional(),
  fault: FaultSchema,
});
export type FaultRule = z.input<typeof FaultRuleSchema>;

export interface FaultRuleState {
  id: number;
  rule: z.output<typeof FaultRuleSchema>;
  /** Requests that matched, and how many of them got the fault. */
  matched: number;
  fired: number;
}

/** What a rule can see of a request. */
export interface FaultTarget {
  endpoint: string | undefined;
  method: string;
  applicationId: string | undefined;
  countries: readonly unknown[];
  externalId: string | undefined;
}

/** A fault that was chosen, with the dice of its rule for what is random within it. */
export interface ChosenFault {
  fault: Fault;
  random: () => number;
}

/** The rules, in the order they were added. The first one that fires has the request for itself. */
export class FaultBook {
  readonly #seed: number;
  #rules: (FaultRuleState & { random: () => number })[] = [];
  #nextId = 1;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(input: FaultRule): FaultRuleState {
    const rule = FaultRuleSchema.parse(input);
    const id = this.#nextId++;
    const state = { id, rule, matched: 0, fired: 0, random: makeRandom(rule.seed ?? this.#seed + id) };
    this.#rules.push(state);
    return withoutDice(state);
  }

  list(): FaultRuleState[] {
    return this.#rules.map(withoutDice);
  }

  remove(id: number): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((state) => state.id !== id);
    return this.#rules.length < before;
  }

  /** Numbers start again, so that the same rules added after it throw the same dice. */
  clear(): void {
    this.#rules = [];
    this.#nextId = 1;
  }

  choose(target: FaultTarget): ChosenFault | undefined {
    for (const state of this.#rules) {
      if (!matches(state.rule, target)) continue;
      state.matched += 1;
      const { rule } = state;
      // The dice are thrown for every match, so that what a request gets depends on its number alone.
      const unlucky = state.random() < rule.probability;
      if (rule.match.nth !== undefined && state.matched !== rule.match.nth) continue;
      if (!unlucky || state.fired >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      state.fired += 1;
      return { fault: rule.fault, random: state.random };
    }
    return undefined;
  }
}

function matches({ match, fault }: FaultRuleState['rule'], target: FaultTarget): boolean {
  return (
    canHappen(fault, target) &&
    (match.endpoint === undefined || match.endpoint === target.endpoint) &&
    (match.method === undefined || match.method === target.method) &&
    (match.applicationId === undefined || match.applicationId === target.applicationId) &&
    (match.country === undefined || target.countries.includes(match.country)) &&
    (match.externalId === undefined || match.externalId === target.externalId)
  );
}

/** Some faults mean something only for one endpoint; other requests must not use up their `nth` or `times`. */
function canHappen(fault: Fault, target: FaultTarget): boolean {
  switch (fault.kind) {
    case 'balance_rows':
      return target.endpoint === 'balance';
    case 'conflict_while_running':
    case 'burn_id':
      return target.endpoint === 'transfer' && target.applicationId !== undefined && target.externalId !== undefined;
    default:
      return true;
  }
}

function withoutDice({ id, rule, matched, fired }: FaultRuleState): FaultRuleState {
  return { id, rule, matched, fired };
}

/** mulberry32: small, fast, and the same in every run for one seed. Not for secrets. */
function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
