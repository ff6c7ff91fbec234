import { AsyncLocalStorage } from 'node:async_hooks';
import { isLedgerAway } from './ledger-away.ts';

interface Waiting<Item, Result> {
  item: Item;
  /** Runs something as the one who asked would: it belongs to that one's trace. */
  as: <T>(run: () => T) => T;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface GatherOptions<Owner, Item, Result> {
  /** @returns the results in the order of the items. */
  run: (owner: Owner, items: readonly Item[]) => Promise<readonly Result[]>;
  /** How many items at most go together. */
  most: (owner: Owner) => number;
  /** Lets others come. It is asked for only of those whose predecessors had company. */
  linger: (owner: Owner) => Promise<void>;
}

/** So many are company enough: nobody lingers for more. */
const ENOUGH = 10;

/**
 * Runs together what is asked for at the same time, so that it shares its round trips and its commit: of each owner there is
 * one run at a time, and the next one takes all that came meanwhile. Where the last ones had company others are probably near,
 * and the next ones linger for them; whoever is alone goes alone and at once.
 *
 * What the database refuses of many, or what one of them makes our own code throw, is asked again one by one, so that nobody
 * fails for another's sake. Each run is one transaction; that of a failed one left nothing behind.
 */
export function gather<Owner extends object, Item, Result>({
  run,
  most,
  linger,
}: GatherOptions<Owner, Item, Result>): (owner: Owner, item: Item) => Promise<Result> {
  const queues = new WeakMap<Owner, Waiting<Item, Result>[]>();
  // Those whose last run was of several.
  const inCompany = new WeakSet<Owner>();

  async function serve(owner: Owner, together: readonly Waiting<Item, Result>[]): Promise<void> {
    const [first] = together;
    if (!first) return;
    try {
      const items = together.map(({ item }) => item);
      const results = await first.as(() => run(owner, items));
      if (results.length !== items.length) throw new Error(`${items.length} were asked for, ${results.length} came back`);
      for (const [index, { resolve }] of together.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (together.length > 1 && (isRefusal(error) || !isLedgerAway(error)))
        return void (await Promise.all(together.map((each) => serve(owner, [each]))));
      for (const { reject } of together) reject(error);
    }
  }

  async function serveAll(owner: Owner, waiting: Waiting<Item, Result>[]): Promise<void> {
    // After everything that has arrived already in this turn of the event loop.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      if (inCompany.has(owner) && waiting.length < Math.min(ENOUGH, most(owner))) await linger(owner);
      const together = waiting.splice(0, most(owner));
      if (together.length > 1) inCompany.add(owner);
      else inCompany.delete(owner);
      await serve(owner, together);
    }
    queues.delete(owner);
  }

  return (owner, item) =>
    new Promise((resolve, reject) => {
      const waiter = { item, as: AsyncLocalStorage.snapshot(), resolve, reject };
      const waiting = queues.get(owner);
      if (waiting) return void waiting.push(waiter);
      const started = [waiter];
      queues.set(owner, started);
      void serveAll(owner, started);
    });
}

/** The database understood and said no; a connection that broke is another matter. */
function isRefusal(error: unknown): error is Error & { severity: string } {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR';
}

/** Whether Postgres refused a value (class 22), so that trying the same again is in vain. A broken constraint is a bug of ours. */
export function isUnstorable(error: unknown): boolean {
  return isRefusal(error) && 'code' in error && /^22/.test(String(error.code));
}
