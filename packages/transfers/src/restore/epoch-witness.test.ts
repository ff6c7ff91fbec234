import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, openRedis } from '@kpay/runtime';
import { emptyTestRedis, keepLog, temporaryFolder, testServerUrls } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFileEpochWitness, createRedisEpochWitness, type EpochWitness } from '../faces/worker.ts';

const ours = '00000000-0000-4000-8000-000000000001';
const other = '00000000-0000-4000-8000-000000000002';

function inFile(): EpochWitness & { path: string } {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'ledger-epoch.json');
  return { ...createFileEpochWitness(path), path };
}

async function inRedis(): Promise<EpochWitness> {
  const url = await emptyTestRedis(testServerUrls()?.redisUrl ?? '');
  const redis = await openRedis({
    url,
    role: 'producer',
    logger: createLogger({ name: 'test', destination: keepLog('epoch-witness') }),
  });
  onTestFinished(() => redis.disconnect());
  return createRedisEpochWitness(redis);
}

const kinds: [string, () => EpochWitness | Promise<EpochWitness>][] = [['a file', inFile]];
if (testServerUrls()) kinds.push(['Redis', inRedis]);

describe.each(kinds)('the witness in %s', (_where, open) => {
  it("is none at first, then its ledger's latest epoch, whatever the workers' order", async () => {
    const witness = await open();
    expect(await witness.read()).toBeUndefined();
    for (const epoch of [9, 10, 3]) await witness.write({ ledgerId: ours, epoch });
    expect(await witness.read()).toEqual({ ledgerId: ours, epoch: 10 });
  });

  it('is the latest however many write at once', async () => {
    const witness = await open();
    await Promise.all(Array.from({ length: 20 }, (_, index) => witness.replace({ ledgerId: ours, epoch: index })));
    await Promise.all(Array.from({ length: 20 }, (_, index) => witness.write({ ledgerId: ours, epoch: 60 - index })));
    expect(await witness.read()).toEqual({ ledgerId: ours, epoch: 60 });
  });

  it('is not taken from another ledger, unless it is replaced', async () => {
    const witness = await open();
    await witness.write({ ledgerId: ours, epoch: 10 });
    await witness.write({ ledgerId: other, epoch: 99 });
    expect(await witness.read()).toEqual({ ledgerId: ours, epoch: 10 });
    await witness.replace({ ledgerId: other, epoch: 2 });
    expect(await witness.read()).toEqual({ ledgerId: other, epoch: 2 });
  });
});

describe('the witness in a file', () => {
  it('counts as lost when it is not one', async () => {
    const witness = inFile();
    writeFileSync(witness.path, 'torn');
    expect(await witness.read()).toBeUndefined();
    await witness.write({ ledgerId: ours, epoch: 4 });
    expect(JSON.parse(readFileSync(witness.path, 'utf8'))).toEqual({ ledgerId: ours, epoch: 4 });
    expect(existsSync(`${witness.path}.new`)).toBe(false);
  });
});
