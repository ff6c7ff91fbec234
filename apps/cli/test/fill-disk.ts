/**
 * Preloaded by `node --import`: while the file KPAY_TEST_FULL_DISK_SWITCH exists, writes to paths that match
 * KPAY_TEST_FULL_DISK fail as on a disk that is full. Each write that failed is told on stderr once a path.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const matching = new RegExp(process.env.KPAY_TEST_FULL_DISK ?? '$^');
const on = process.env.KPAY_TEST_FULL_DISK_SWITCH ?? '';
const told = new Set<string>();
const paths = new Map<number, string>();
const { openSync, closeSync, writeSync, ftruncateSync, writeFileSync, existsSync } = fs;
const { open } = fs.promises;

function refuse(path: string | undefined): void {
  if (path === undefined || !matching.test(path) || !existsSync(on)) return;
  if (!told.has(path)) {
    told.add(path);
    process.stderr.write(`disk full at ${path}\n`);
  }
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
}

fs.openSync = ((path: string, ...rest: [string, number?]) => {
  const descriptor = openSync(path, ...rest);
  paths.set(descriptor, String(path));
  return descriptor;
}) as typeof fs.openSync;
fs.closeSync = (descriptor) => {
  paths.delete(descriptor);
  closeSync(descriptor);
};
fs.writeSync = ((descriptor: number, ...rest: [Buffer]) => {
  refuse(paths.get(descriptor));
  return writeSync(descriptor, ...rest);
}) as typeof fs.writeSync;
fs.ftruncateSync = (descriptor, length) => {
  refuse(paths.get(descriptor));
  ftruncateSync(descriptor, length);
};
fs.writeFileSync = (path, ...rest) => {
  refuse(String(path));
  writeFileSync(path, ...rest);
};
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  const { writeFile } = handle;
  handle.writeFile = async (...text) => {
    refuse(String(path));
    return writeFile.apply(handle, text);
  };
  return handle;
};
syncBuiltinESMExports();
