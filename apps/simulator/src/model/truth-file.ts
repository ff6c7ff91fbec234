import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TruthEvent, TruthEventSchema } from './truth-event.ts';

export interface TruthFile {
  path: string;
  /** What the file held when it was opened. */
  events: TruthEvent[];
  /** Returns when the event is on the disk. */
  append(event: TruthEvent): void;
  close(): void;
}

/**
 * Opens or makes `<dataDir>/simulator-truth.jsonl`: one event a line, appended and fsynced. A last line that a crash tore
 * was never answered to anybody: it is cut off. A broken line before it is an error. One process a file.
 */
export function openTruthFile(dataDir: string): TruthFile {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'simulator-truth.jsonl');
  const isNew = !existsSync(path);
  const content = isNew ? Buffer.alloc(0) : readFileSync(path);
  const wholeBytes = content.lastIndexOf(0x0a) + 1;
  const events = content
    .subarray(0, wholeBytes)
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parseLine(path, line, index + 1));
  const file = openSync(path, 'a');
  if (wholeBytes < content.length) ftruncateSync(file, wholeBytes);
  if (isNew) syncFolder(dirname(path));
  let length = wholeBytes;
  return {
    path,
    events,
    append(event) {
      const line = Buffer.from(`${JSON.stringify(event)}\n`);
      try {
        let written = 0;
        while (written < line.length) written += writeSync(file, line, written);
        fsyncSync(file);
      } catch (error) {
        // Half a line left by a full disk would make the next event unreadable.
        ftruncateSync(file, length);
        throw error;
      }
      length += line.length;
    },
    close() {
      closeSync(file);
    },
  };
}

function parseLine(path: string, line: string, number: number): TruthEvent {
  try {
    return TruthEventSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new Error(`${path}:${number} is not an event of the simulator; remove the file to start with an empty one`, { cause });
  }
}

/** A new file survives a power cut only when its folder's entry does. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
