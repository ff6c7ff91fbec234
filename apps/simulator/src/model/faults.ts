import * as z from 'zod';
import { endpointNames } from './endpoints.ts';
import { parseInput } from './parse-input.ts';

const delayMs = z.number().nonnegative().max(600_000).optional();
const when = z.enum(['before', 'after']).default('before');
const retryAfterSeconds = z.int().nonnegative().optional();

/** What can happen to a request, by its `kind`. */
export const FaultSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      /** Waits delayMs, and up to jitterMs more, before or after applying. */
      kind: z.literal('delay'),
      /** Real milliseconds that are waited, whatever the time scale. */
      delayMs: z.number().nonnegative().max(600_000),
      /** Up to so many milliseconds more, by the rule's dice; 0 unless given. */
      jitterMs: z.number().nonnegative().max(600_000).default(0),
      /** `before` (the default): nothing is applied. `after`: it is applied, and the client cannot know. */
      when,
    }),
    z.strictObject({
      /** Closes the connection without an answer. */
      kind: z.literal('drop'),
      when,
      /** Closes it by a TCP reset; false unless given. */
      reset: z.boolean().default(false),
      delayMs,
    }),
    z.strictObject({
      /** Applies, then sends the head and half of the body, and closes. */
      kind: z.literal('truncate'),
      delayMs,
    }),
    z.strictObject({
      /** Any error status; 503 may say when to come back. */
      kind: z.literal('status'),
      /** The HTTP status, 400 to 599; 500 unless given. */
      status: z.int().min(400).max(599).default(500),
      when,
      /** `json` (the default) is KPay's envelope, `text` a proxy's line. */
      as: z.enum(['json', 'text']).default('json'),
      /** Of the header Retry-After; no header unless given. */
      retryAfterSeconds,
      delayMs,
    }),
    z.strictObject({
      /** A page where JSON belongs; with status 200 or 201 it is an unreadable success. */
      kind: z.literal('html'),
      status: z.int().min(200).max(599).default(502),
      when,
      delayMs,
    }),
    z.strictObject({
      /**
       * Any status with any text: a proxy's own refusal, a success with a status of its own, the answer to another
       * request.
       */
      kind: z.literal('answer'),
      status: z.int().min(200).max(599),
      /** The body as it is sent. */
      body: z.string().max(1_000_000),
      /** `application/json` unless given. */
      contentType: z.string().max(200).default('application/json'),
      when,
      delayMs,
    }),
    z.strictObject({
      /** 401, as of keys that were revoked. */
      kind: z.literal('unauthorized'),
      delayMs,
    }),
    z.strictObject({
      /** A 429 apart from the real limit; without retryAfterSeconds there is no Retry-After. A burst is `times`. */
      kind: z.literal('rate_limit'),
      retryAfterSeconds,
      delayMs,
    }),
    z.strictObject({
      /** Never answers. Ends when the client goes or the simulator closes. */
      kind: z.literal('hang'),
      when,
    }),
    z.strictObject({
      /** Whatever error is answered carries an array of messages. */
      kind: z.literal('message_array'),
    }),
    z.strictObject({
      /** Every enum of a successful answer (environment, status, operationType, leg type) is one nobody documented. */
      kind: z.literal('unknown_enum'),
      /** The word that stands in their place; SOMETHING_NEW unless given. */
      value: z.string().min(1).default('SOMETHING_NEW'),
    }),
    z.strictObject({
      /** The balance has one row for each country, so a currency can occur several times. */
      kind: z.literal('balance_rows'),
    }),
    z.strictObject({
      /**
       * The transfer runs for delayMs and holds its externalId, so that a second call gets 409; then it fails or
       * succeeds.
       */
      kind: z.literal('conflict_while_running'),
      delayMs: z.number().nonnegative().max(600_000),
      /** `fail` (the default), `fail_and_burn`: the id is answered 409 from then on, or `succeed`. */
      outcome: z.enum(['fail', 'fail_and_burn', 'succeed']).default('fail'),
      status: z.int().min(400).max(599).default(500),
      /** The caller is answered 504 after these milliseconds, while the transfer runs on. */
      gatewayTimeoutMs: z.number().nonnegative().optional(),
    }),
    z.strictObject({
      /** 422, nothing moves, and the externalId is answered 409 from then on. */
      kind: z.literal('burn_id'),
      /** The message of the 422; `Insufficient funds` unless given. */
      message: z.string().max(1_000_000).default('Insufficient funds'),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? `must be one of ${faultKinds().join(', ')}` : undefined) },
);
/** What happens to a request that a rule meets. */
export type Fault = z.output<typeof FaultSchema>;

function faultKinds(): string[] {
  return FaultSchema.options.flatMap(({ shape }) => shape.kind.value);
}

export const FaultRuleSchema = z.strictObject({
  /** Which requests the rule meets; all of them unless given. */
  match: z
    .strictObject({
      /** Such as `transfer`. */
      endpoint: z.enum(endpointNames).optional(),
      /** The HTTP method. */
      method: z.string().toUpperCase().optional(),
      /** The application whose key or token the request carries. */
      applicationId: z.string().optional(),
      /** Either side of a transfer. */
      country: z.string().optional(),
      /** The transfer with this externalId. */
      externalId: z.string().optional(),
      /** Only the nth request, from 1, that the rest of the rule matches. */
      nth: z.int().positive().optional(),
    })
    .default({}),
  /** How likely the fault is for a request that matches: 0 to 1, 1 unless given. */
  probability: z.number().min(0).max(1).default(1),
  /** At most so many; without limit unless given. */
  times: z.int().positive().optional(),
  /** Of this rule's dice; made from the simulator's seed unless given. */
  seed: z.int().optional(),
  /** What happens. */
  fault: FaultSchema,
});
/** Which requests meet a fault, how often, and what happens to them. */
export type FaultRule = z.input<typeof FaultRuleSchema>;

/** A rule as it stands. */
export interface FaultRuleState {
  /** By which `removeFault` knows it. */
  id: number;
  /** The rule with its defaults. */
  rule: z.output<typeof FaultRuleSchema>;
  /** Requests that matched. */
  matched: number;
  /** How many of them got the fault. */
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
    const rule = parseInput(FaultRuleSchema, input);
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
