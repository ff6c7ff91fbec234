import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  createBudget,
  createFileMemory,
  createKpayClient,
  createMemoryBudgetStore,
  createMemorySharedStore,
  type KpayClient,
  OutcomeUnknownError,
  RejectedError,
  RetryableError,
  type TransferMemory,
  transferUntilKnown,
} from '../../src/index.ts';
import { createScaledClock } from './scaled-clock.ts';

// A process that moves transfers to an end with transferUntilKnown, one file of memory each. It is killed at any moment
// and
// started again. Beside that each call is given up now and then at one of its steps, as a process that dies there
// would.

/** What a driver is told, as the JSON text of its first argument. */
export interface Drive {
  url: string;
  apiKey: string;
  secretKey: string;
  applicationId: string;
  /** Holds the memories, and `ends-<name>.jsonl`. */
  folder: string;
  name: string;
  /** The numbers of its transfers: from the first to before the last. */
  from: number;
  to: number;
  scale: number;
  baseMs: number;
  atOnce: number;
  /** How often a call is given up at one of its steps. */
  crashes: number;
}

/** How one transfer ended, or where a call was found that a crash had ended. */
export interface Line {
  number: number;
  /**
   * `known` by an answer or by conflicts, `nothing` was done, only KPay can tell (`ask`), or a call found what another
   * left.
   */
  kind: 'answer' | 'conflict' | 'nothing' | 'ask' | 'found' | 'crash';
  /** The receipt's id, a reason, or at which step. */
  what: string;
  atMs: number;
}

export function externalIdOf(number: number): string {
  return `until-known-${number}`;
}

export function memoryPath(folder: string, number: number): string {
  return join(folder, `${number}.json`);
}

const STEPS = [
  'before load',
  'before save',
  'after save',
  'before send',
  'while it is sent',
  'with the answer in hand',
  'in a wait',
] as const;
type Step = (typeof STEPS)[number];

/** One life of a transfer's call: it may die at one of its steps, once. */
class Life {
  readonly died: Promise<'died'>;
  #die: () => void = () => {};
  readonly #step: Step | undefined;
  /** Which visit of that step it dies at. */
  #visits: number;
  readonly #onDeath: (step: Step) => void;

  constructor(crashes: number, onDeath: (step: Step) => void) {
    this.died = new Promise((resolve) => {
      this.#die = () => resolve('died');
    });
    this.#step = Math.random() < crashes ? STEPS[Math.floor(Math.random() * STEPS.length)] : undefined;
    this.#visits = 1 + Math.floor(Math.random() * 3);
    this.#onDeath = onDeath;
  }

  /** Never comes back when the process dies here. */
  async pass(step: Step): Promise<void> {
    if (step !== this.#step) return;
    this.#visits -= 1;
    if (this.#visits > 0) return;
    this.#onDeath(step);
    this.#die();
    await new Promise(() => {});
  }
}

async function oneCall(drive: Drive, client: KpayClient, clock: Clock, number: number, write: (line: Line) => void) {
  const life = new Life(drive.crashes, (step) => write({ number, kind: 'crash', what: step, atMs: Date.now() }));
  const file = createFileMemory(memoryPath(drive.folder, number));
  const memory: TransferMemory = {
    async load() {
      await life.pass('before load');
      return file.load();
    },
    async save(text) {
      await life.pass('before save');
      await file.save(text);
      await life.pass('after save');
    },
  };
  const sender: Pick<KpayClient, 'transfer'> = {
    async transfer(fields, options) {
      await life.pass('before send');
      const sending = client.transfer(fields, options);
      // The call at KPay goes on, as one whose process was killed.
      sending.catch(() => {});
      await life.pass('while it is sent');
      const [answer] = await Promise.allSettled([sending]);
      await life.pass('with the answer in hand');
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    },
  };
  const ownClock: Clock = {
    ...clock,
    async sleep(ms, signal) {
      await life.pass('in a wait');
      await clock.sleep(ms, signal);
    },
  };
  const fields = {
    applicationId: drive.applicationId,
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 100 + (number % 900),
    externalId: externalIdOf(number),
  };
  return Promise.race([transferUntilKnown(sender, fields, { memory, clock: ownClock, maxWaitMs: 60_000 }), life.died]);
}

/** Calls until the transfer has an end. */
async function untilEnd(drive: Drive, client: KpayClient, clock: Clock, number: number, write: (line: Line) => void) {
  for (;;) {
    try {
      const known = await oneCall(drive, client, clock, number, write);
      if (known === 'died') continue;
      const what = known.confirmedBy === 'answer' ? known.receipt.id : '';
      return write({ number, kind: known.confirmedBy, what, atMs: Date.now() });
    } catch (error) {
      // Half of the refused callers try again, as after a deposit into the wallet.
      const isOver = error instanceof RejectedError && error.status !== 401 && Math.random() < 0.5;
      if (isOver) {
        return write({ number, kind: 'nothing', what: String(error.status), atMs: Date.now() });
      }
      if (error instanceof OutcomeUnknownError && error.next === 'ask_kpay') {
        return write({ number, kind: 'ask', what: error.reason, atMs: Date.now() });
      }
      if (!(error instanceof RetryableError || error instanceof OutcomeUnknownError || error instanceof RejectedError))
        throw error;
    }
  }
}

/** What the crash before left of a transfer: at which step it was. */
function foundIn(folder: string, number: number): string | undefined {
  try {
    const { sendingSince, possiblySentSince, end } = JSON.parse(readFileSync(memoryPath(folder, number), 'utf8'));
    if (end) return 'after the end was noted';
    if (sendingSince) return 'between a note and its answer';
    return possiblySentSince ? 'between two sends' : 'before a send, or after one that did nothing';
  } catch {
    return undefined;
  }
}

export async function drive(given: Drive, onReady: () => void = () => {}): Promise<void> {
  const clock = createScaledClock(given);
  const budget = createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 1_000_000, windowMs: 60_000 });
  const client = createKpayClient({
    baseUrl: given.url,
    apiKey: given.apiKey,
    secretKey: given.secretKey,
    environment: 'TEST',
    budget,
    tokens: createMemorySharedStore({ clock }),
    clock,
  });
  const path = join(given.folder, `ends-${given.name}.jsonl`);
  const ended = new Set(readLines(path).flatMap(({ kind, number }) => (kind === 'found' || kind === 'crash' ? [] : [number])));
  const write = (line: Line): void => appendFileSync(path, `${JSON.stringify(line)}\n`);
  const numbers = Array.from({ length: given.to - given.from }, (_, index) => given.from + index).filter(
    (number) => !ended.has(number),
  );
  for (const number of numbers) {
    const what = foundIn(given.folder, number);
    if (what !== undefined) write({ number, kind: 'found', what, atMs: Date.now() });
  }
  onReady();
  const next = numbers.values();
  await Promise.all(
    Array.from({ length: given.atOnce }, async () => {
      for (const number of next) await untilEnd(given, client, clock, number, write);
    }),
  );
  await client.close();
}

/** The lines of a file; none when it is not there. A line that a kill cut off is not one. */
export function readLines(path: string): Line[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      return [];
    }
  });
}
