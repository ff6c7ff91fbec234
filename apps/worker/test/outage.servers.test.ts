import { setTimeout as delay } from 'node:timers/promises';
import { eventually, testServerUrls } from '@kpay/testkit';
import { acceptTransfer } from '@kpay/transfers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

const TRANSFERS = 1_000;
const BREAKER_AFTER = 5;
const CONCURRENCY = 10;
const HOUR_MS = 60 * 60_000;
/** Half of a lease, so that no step of the hour ends a send that is under way. */
const STEP_MS = 20_000;
/** For all of them, on a loaded machine. */
const AFTERWARDS_WITHIN_MS = 300_000;

describe.skipIf(!testServerUrls())('an hour of 503', () => {
  // The ledger's clock, pushed on by the test: retries, probes and leases of the worker follow it.
  let passedMs = 0;
  let stage: WorkerStage;
  beforeAll(async () => {
    stage = await openWorkerStage(undefined, () => new Date(Date.now() + passedMs));
  });
  afterAll(() => stage.close());

  async function states(): Promise<Record<string, number>> {
    const rows = await stage.ledger.db
      .selectFrom('kpay.transfers')
      .select((it) => ['state', it.fn.countAll<string>().as('count')])
      .groupBy('state')
      .execute();
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  }

  it(`with ${TRANSFERS} queued leaves few unconfirmed and none in review, and all succeed afterwards, each once`, {
    timeout: 600_000,
  }, async () => {
    const { control } = stage.simulator;
    control.setBalance({ country: 'CMR', balance: 2 * TRANSFERS * 50_000 });
    control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'status', status: 503, when: 'before' } });
    await stage.stopWorker();
    const accounts = new Set(['default']);
    for (let n = 0; n < TRANSFERS; n++) {
      await acceptTransfer(stage.ledger, accounts, { account: 'default', owner: 'admin', body: order(`outage-${n}`) });
    }
    expect(await states()).toEqual({ queued: TRANSFERS });

    await stage.startWorker();
    await eventually(async () => expect((await states()).unconfirmed ?? 0).toBeGreaterThanOrEqual(BREAKER_AFTER));
    let mostUnconfirmed = 0;
    for (let passed = 0; passed < HOUR_MS; passed += STEP_MS) {
      passedMs += STEP_MS;
      await delay(200);
      const { unconfirmed = 0, submitting = 0, review = 0, succeeded = 0, failed = 0 } = await states();
      mostUnconfirmed = Math.max(mostUnconfirmed, unconfirmed + submitting);
      expect({ review, succeeded, failed }).toEqual({ review: 0, succeeded: 0, failed: 0 });
    }
    const sends = control.truth({ requests: 0, transfers: 0 }).requestCounts.byEndpoint.transfer;
    process.stdout.write(`  an hour of 503: at most ${mostUnconfirmed} unconfirmed, ${sends} sends\n`);
    expect(mostUnconfirmed).toBeLessThanOrEqual(BREAKER_AFTER + CONCURRENCY);

    control.clearFaults();
    // The next probe is at most this far away.
    passedMs += 60_000;
    await eventually(async () => expect(await states()).toEqual({ succeeded: TRANSFERS }), { timeoutMs: AFTERWARDS_WITHIN_MS });
    const effects = control.truth({ requests: 0 }).transfers.map(({ externalId }) => externalId);
    expect(effects).toHaveLength(TRANSFERS);
    expect(new Set(effects).size).toBe(TRANSFERS);
  });
});
