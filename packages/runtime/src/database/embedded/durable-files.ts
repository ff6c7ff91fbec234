import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

type Init = Parameters<NodeFS['init']>;

/** The part of Emscripten's file layer over the disk that lacks fsync, which we add. */
interface NodeFiles {
  realPath(node: unknown): string;
  stream_ops: { fsync?: (stream: { nfd?: number; node: unknown }) => number };
}

const EIO = 29;

/**
 * PGlite's files on the local disk, with an fsync that reaches the disk. Without it Postgres' own fsync does nothing,
 * and a commit is only as durable as the system's next write-back. It depends on Emscripten's NODEFS as PGlite 0.5.16
 * ships it, so the version is pinned, and a test counts the fsyncs.
 */
export class DurableFiles extends NodeFS {
  override async init(pg: PGlite, options: Init[1]): Promise<{ emscriptenOpts: Init[1] }> {
    const { emscriptenOpts } = await super.init(pg, options);
    const install = (module: unknown) => {
      const files = (module as { NODEFS: NodeFiles }).NODEFS;
      files.stream_ops.fsync = ({ nfd, node }) => syncStream(nfd, () => files.realPath(node));
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), install] } };
  }
}

/**
 * Returns an errno to Postgres, which stops when its log cannot be made durable. An exception would only break the
 * WebAssembly.
 */
function syncStream(descriptor: number | undefined, path: () => string): number {
  try {
    if (descriptor !== undefined) fsyncSync(descriptor);
    else syncFolder(path());
    return 0;
  } catch {
    return EIO;
  }
}

/** Makes the names in a folder durable. NODEFS opens no descriptor for a folder. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes everything below a folder durable, because initdb does not write through the database's own file layer. */
export async function syncTree(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const file = await open(join(entry.parentPath, entry.name), 'r');
      await file.sync().finally(() => file.close());
    }),
  );
  syncFolder(root);
  syncFolder(dirname(root));
}
