import { type Lane, lanes } from './budget-store.ts';

/** In which lanes one request is waited for, while more callers may come to wait for it too. */
export interface Urgency {
  /** The most urgent of them. */
  readonly lane: Lane;
  /** A slot of any of them will do: what is more urgent is not always served sooner, because money keeps no slots. */
  readonly lanes: readonly Lane[];
  join(lane: Lane): void;
  /** Calls `listener` whenever a lane has come, until what it returns is called. */
  onJoin(listener: () => void): () => void;
}

export function createUrgency(first: Lane): Urgency {
  let joined: readonly Lane[] = [first];
  const listeners = new Set<() => void>();
  const urgency: Urgency = {
    get lane() {
      return joined[0] ?? first;
    },
    get lanes() {
      return joined;
    },
    join(lane) {
      if (joined.includes(lane)) return;
      joined = lanes.filter((each) => each === lane || joined.includes(each));
      for (const listener of listeners) listener();
    },
    onJoin(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  made.add(urgency);
  return urgency;
}

const made = new WeakSet<object>();

/** Whether createUrgency made it. */
export function isUrgency(value: unknown): boolean {
  return typeof value === 'object' && value !== null && made.has(value);
}
