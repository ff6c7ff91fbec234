import { hash } from 'node:crypto';

const SHARDS = 256;
const FIRST_SLOTS = 64;
const MAX_LOAD = 0.8;
const GROWTH = 1.5;
/** The two halves of the digest, and the line. */
const WORDS = 3;

/** Which line an id stands in, for as many ids as a file has. */
export interface SeenIds {
  /** The line of an earlier `add` of the same id; undefined when it is new. */
  add(id: string, line: number): number | undefined;
}

/**
 * Keeps 12 bytes an id and not the id: a million take 20 MB. Two ids count as one when the first 64 bits of their SHA-256 are the
 * same, which is less likely than one in 30 million for a file of a million lines; the second line would then be refused.
 */
export function createSeenIds(): SeenIds {
  // Many small tables, so that none is large while it grows.
  const shards = Array.from({ length: SHARDS }, () => newShard(FIRST_SLOTS));
  return {
    add(id, line) {
      const digest = hash('sha256', id, 'buffer');
      const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
      const place = digest.readUInt8(8) % SHARDS;
      const shard = shards[place] ?? newShard(FIRST_SLOTS);
      const earlier = put(shard, high, low, line);
      if (earlier === undefined && shard.count > (shard.words.length / WORDS) * MAX_LOAD) shards[place] = grown(shard);
      return earlier;
    },
  };
}

interface Shard {
  /** Three a slot; the line is 0 where the slot is free. */
  words: Uint32Array;
  count: number;
}

function newShard(slots: number): Shard {
  return { words: new Uint32Array(slots * WORDS), count: 0 };
}

/** The line that stands there already; undefined when it was put now. */
function put(shard: Shard, high: number, low: number, line: number): number | undefined {
  const { words } = shard;
  let at = (low % (words.length / WORDS)) * WORDS;
  while (words[at + 2] !== 0) {
    if (words[at] === high && words[at + 1] === low) return words[at + 2];
    at = (at + WORDS) % words.length;
  }
  words[at] = high;
  words[at + 1] = low;
  words[at + 2] = line;
  shard.count += 1;
  return undefined;
}

function grown({ words }: Shard): Shard {
  const larger = newShard(Math.ceil((words.length / WORDS) * GROWTH));
  for (let at = 0; at < words.length; at += WORDS) {
    const [high = 0, low = 0, line = 0] = words.subarray(at, at + WORDS);
    if (line !== 0) put(larger, high, low, line);
  }
  return larger;
}
