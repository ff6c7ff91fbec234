import type { Answer, Kpay } from './kpay.ts';

/** The source of a fact: KPay's page, its other documentation, code seen elsewhere, or our own inference. */
export type Certainty = 'page' | 'docs' | 'wild' | 'inferred';

export type CaseOutcome = { kind: 'held' | 'broken'; seen: string } | { kind: 'not tried'; why: string };

/** One fact about KPay and how to test it. Cases share nothing: each sends its own requests and tests one thing. */
export interface Case {
  name: string;
  /** A sentence that can be wrong. */
  fact: string;
  certainty: Certainty;
  /** Whether it moves money, or would if the fact were wrong. */
  movesMoney: boolean;
  /** Whether it uses up the key's limit. Such a case runs last, and only on request. */
  exhaustsLimit: boolean;
  run(kpay: Kpay): Promise<CaseOutcome>;
}

type Run = Case['run'];

export function reads(name: string, certainty: Certainty, fact: string, run: Run): Case {
  return { name, certainty, fact, run, movesMoney: false, exhaustsLimit: false };
}

export function movesMoney(name: string, certainty: Certainty, fact: string, run: Run): Case {
  return { name, certainty, fact, run, movesMoney: true, exhaustsLimit: false };
}

export function exhaustsLimit(name: string, certainty: Certainty, fact: string, run: Run): Case {
  return { name, certainty, fact, run, movesMoney: false, exhaustsLimit: true };
}

/** A fact that cannot be tested from outside, listed so that the table is complete. */
export function untried(name: string, certainty: Certainty, fact: string, why: string): Case {
  return reads(name, certainty, fact, async () => ({ kind: 'not tried', why }));
}

export function outcomeOf(holds: boolean, seen: string): CaseOutcome {
  return { kind: holds ? 'held' : 'broken', seen };
}

export function expectStatus({ status }: Answer, ...wanted: number[]): CaseOutcome {
  return outcomeOf(wanted.includes(status), `status ${status}`);
}

/** Tests the field at `path` of the answer, such as `application.id`; `''` is the whole body. */
export function expectField(answer: Answer, path: string, holds: (value: unknown) => boolean): CaseOutcome {
  const failure = failureOf(answer);
  if (failure) return failure;
  const value = fieldAt(answer.json, path);
  return outcomeOf(holds(value), `${path || 'the body'}: ${show(value)}`);
}

/** Tests every item of a list. The first item that fails is reported. An empty list shows nothing. */
export function expectEach(
  answer: Answer,
  itemsOf: (json: unknown) => unknown[],
  holds: (item: unknown) => boolean,
): CaseOutcome {
  const failure = failureOf(answer);
  if (failure) return failure;
  const items = itemsOf(answer.json);
  if (items.length === 0) return { kind: 'not tried', why: 'the list is empty' };
  const odd = items.findIndex((item) => !holds(item));
  return odd < 0 ? outcomeOf(true, `all ${items.length}`) : outcomeOf(false, show(items[odd]));
}

export function fieldAt(json: unknown, path: string): unknown {
  if (path === '') return json;
  return path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), json);
}

/** The items of a list; nothing for any other value. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

export function isUuid(value: unknown): boolean {
  return isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

/** Whether a value has the form of ISO 3166-1 alpha-3. */
export function isCountryCode(value: unknown): boolean {
  return isText(value) && /^[A-Z]{3}$/.test(value);
}

export function oneOf(...values: unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value);
}

/** The outcome for a fact about a body when the answer has none: a KPay that fails shows nothing. */
function failureOf({ status }: Answer): CaseOutcome | undefined {
  if (status >= 500) return { kind: 'not tried', why: `status ${status}` };
  return status >= 200 && status < 300 ? undefined : outcomeOf(false, `status ${status}`);
}

/** A value as the table shows it. The runner hides secrets in it and then shortens it, in this order. */
export function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
