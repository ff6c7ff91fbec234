import { PassThrough, Writable } from 'node:stream';
import type { Streams } from '../src/framework/io.ts';

export interface Captured {
  streams: Streams;
  stdout(): string;
  stderr(): string;
}

/** Streams that keep what is written: of a terminal of `columns`, or pipes without. `full`: standard output is a full disk. */
export function captureStreams(columns?: number, { full = false }: { full?: boolean } = {}): Captured {
  const texts = { stdout: '', stderr: '' };
  const open = (name: keyof typeof texts) => {
    const stream = new PassThrough();
    stream.on('data', (chunk) => {
      texts[name] += String(chunk);
    });
    return Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns });
  };
  const diskFull = () =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space left'), { code: 'ENOSPC' })) });
  // What the command line uses of a terminal's streams is here.
  const streams = {
    stdin: Object.assign(new PassThrough(), { isTTY: false }),
    stdout: full ? diskFull() : open('stdout'),
    stderr: open('stderr'),
  };
  return { streams: streams as unknown as Streams, stdout: () => texts.stdout, stderr: () => texts.stderr };
}
