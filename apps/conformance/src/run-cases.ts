import { setTimeout as delay } from 'node:timers/promises';
import type { Case, CaseOutcome } from './case.ts';
import { createKpay, environmentOf, type Grant, type Keys, NotReady, requestGrant } from './kpay.ts';
import { createRedactor } from './redact.ts';

export interface RunOptions {
  keys: Keys;
  /** Without a trailing slash. */
  baseUrl: string;
  /** Also run the cases that move money, with sandbox keys. */
  moveMoney?: boolean;
  /** Also with live keys, which moves real money. It has no effect without moveMoney. */
  liveMoney?: boolean;
  /** Also run the cases that use up the key's limit. */
  exhaustLimit?: boolean;
  /** The most requests a minute, evenly spread; 55 by default. KPay allows 100, shared by all users of the key. */
  requestsPerMinute?: number;
  /** After this time the remaining cases are not tried; 10 minutes by default. */
  timeLimitMs?: number;
  /** The address for a case's own requests, for tests that break the answers of one case; baseUrl by default. */
  baseUrlOf?: (caseName: string) => string;
}

export interface CaseResult {
  case: Case;
  verdict: CaseOutcome;
}

/** The longest remark, so that the table stays readable. */
const mostCharacters = 120;

/** Tries the cases one after the other, those that use up the limit last. It never throws because of KPay's answers. */
export async function runCases(cases: readonly Case[], options: RunOptions): Promise<CaseResult[]> {
  const { keys, baseUrl, baseUrlOf = () => baseUrl, requestsPerMinute = 55, timeLimitMs = 600_000 } = options;
  const { redact, addSecret } = createRedactor([keys.apiKey, keys.secretKey]);
  const pace = createPace(requestsPerMinute);
  const endsAtMs = performance.now() + timeLimitMs;

  let granted: Promise<Grant> | undefined;
  function grant(): Promise<Grant> {
    granted ??= requestGrant(keys, baseUrl, pace).then((fresh) => {
      addSecret(fresh.accessToken);
      return fresh;
    });
    return granted;
  }

  async function tryCase(each: Case): Promise<CaseOutcome> {
    const why = whyNot(each, options) ?? (performance.now() > endsAtMs ? 'the time of the run was over' : undefined);
    if (why !== undefined) return { kind: 'not tried', why };
    const unlimited = each.exhaustsLimit ? async () => {} : pace;
    const kpay = createKpay({
      keys,
      baseUrl: baseUrlOf(each.name),
      pace: unlimited,
      grant,
      exhaustsLimit: each.exhaustsLimit,
    });
    try {
      return await each.run(kpay);
    } catch (error) {
      if (error instanceof NotReady) return { kind: 'not tried', why: error.message };
      throw error;
    }
  }

  const results = new Map<Case, CaseOutcome>();
  for (const each of cases.toSorted((a, b) => Number(a.exhaustsLimit) - Number(b.exhaustsLimit))) {
    results.set(each, redactOutcome(await tryCase(each), redact));
  }
  return [...results].map(([each, verdict]) => ({ case: each, verdict }));
}

function whyNot(each: Case, { keys, moveMoney, liveMoney, exhaustLimit }: RunOptions): string | undefined {
  if (each.exhaustsLimit && !exhaustLimit) return 'uses up the limit of the key: --exhaust-limit';
  if (!each.movesMoney) return undefined;
  if (!moveMoney) return 'moves money: --move-money';
  if (environmentOf(keys.apiKey) !== 'TEST' && !liveMoney) return 'moves real money: --live-money';
  return undefined;
}

/** Spreads requests evenly, so that other users of the key have room. */
function createPace(requestsPerMinute: number): () => Promise<void> {
  const gapMs = 60_000 / requestsPerMinute;
  let nextAtMs = 0;
  return async () => {
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, nextAtMs);
    nextAtMs = atMs + gapMs;
    if (atMs > nowMs) await delay(atMs - nowMs);
  };
}

function redactOutcome(verdict: CaseOutcome, redact: (text: string) => string): CaseOutcome {
  const cut = (text: string) => (text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text);
  // Hidden before it is shortened, because half a secret would not be found.
  return verdict.kind === 'not tried'
    ? { ...verdict, why: cut(redact(verdict.why)) }
    : { ...verdict, seen: cut(redact(verdict.seen)) };
}
