import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Finding } from './finding.ts';

/** By the magic number of statfs(2): locks and fsync over a network do not do what they say. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
]);
const MIN_FREE_BYTES = 1024 ** 3;

interface FileSystem {
  accessSync(path: string, mode: number): void;
  statfsSync(path: string): { type: number; bavail: number; bsize: number };
}

/** Whether the embedded ledger's folder can keep it. */
export function checkDataFolder(folder: string, system: FileSystem = { accessSync, statfsSync }): Finding {
  const check = 'data folder';
  const wrong = (what: string, fix: string): Finding => ({ check, verdict: 'wrong', what: `${folder} ${what}`, fix });
  const there = existsSync(folder);
  const place = there ? folder : nearest(folder);
  if (!statSync(place).isDirectory()) return wrong('is not a folder', 'set KPAY_DATA_DIR to a folder');
  try {
    system.accessSync(place, constants.W_OK | constants.X_OK);
  } catch {
    return wrong('cannot be written', `chown -R "$(id -un)" ${place}   # or set KPAY_DATA_DIR`);
  }
  const { type, bavail, bsize } = system.statfsSync(place);
  const network = NETWORK_FILE_SYSTEMS.get(type);
  if (network !== undefined)
    return wrong(
      `is on ${network}: two processes could destroy the ledger there`,
      'set KPAY_DATA_DIR to a folder on a local disk',
    );
  if (there && (statSync(folder).mode & 0o077) !== 0) {
    return wrong('is open to other users: kpay does not start on it', `chmod 700 ${folder}`);
  }
  if (bavail * bsize < MIN_FREE_BYTES) {
    return { check, verdict: 'warning', what: `less than 1 GB is free for ${folder}`, fix: `df -h ${place}` };
  }
  return { check, verdict: 'good', what: there ? folder : `${folder}, made at the first start` };
}

function nearest(path: string): string {
  for (let place = path; ; place = dirname(place)) if (existsSync(place)) return place;
}
