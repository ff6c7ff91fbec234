import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  path: string;
  remove(): void;
}

/** Makes an empty folder for a test: `onTestFinished(folder.remove)`. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'kpay-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
