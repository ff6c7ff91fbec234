import { type KpayAccount, systemClock } from '@kpay/core';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { openTestLedger, type TestLedger } from '../../ledger/test/test-ledger.ts';
import { openAccount } from '../src/accounts/open-accounts.ts';
import {
  advanceTransfer,
  fundsCheck,
  openLedgerEpoch,
  pinAccount,
  rateCheck,
  scheduleCheck,
  type TransferEngine,
} from '../src/faces/worker.ts';
import { acceptTransfer, findTransfer, type TransferRow } from '../src/index.ts';
import { createMemoryEpochWitness, type MemoryEpochWitness } from './memory-epoch-witness.ts';

/** CMR to SEN, 100,000 XAF: the order of most tests. */
export const order = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

/**
 * A ledger, a simulator and everything between them, without a queue. Tests call the functions that a worker would
 * call.
 */
export interface Stage {
  ledger: TestLedger;
  simulator: Simulator;
  /** The epoch witness that all its workers share. */
  epochWitness: MemoryEpochWitness;
  /** Alarms raised so far. */
  alarms: string[];
  /** A worker's engine: pinned, with its own account. */
  engine(changes?: Partial<TransferEngine>): Promise<TransferEngine>;
  accept(body?: Record<string, unknown>): Promise<TransferRow>;
  find(id: string): Promise<TransferRow>;
  /** Advances a transfer until it is final, in review or held. The ledger's time passes when it must wait. */
  settle(id: string, engine: TransferEngine): Promise<TransferRow>;
  /** How often KPay moved money for a transfer. */
  effects(row: TransferRow): number;
  reset(): Promise<void>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export async function openStage(): Promise<Stage> {
  const ledger = await openTestLedger();
  const simulator = await createSimulator({ port: 0, limit: 100_000 });
  const opened: KpayAccount[] = [];
  const alarms: string[] = [];
  const epochWitness = createMemoryEpochWitness();

  const stage: Stage = {
    ledger,
    simulator,
    epochWitness,
    alarms,
    async engine(changes = {}) {
      const account = openAccount(
        {
          name: 'default',
          apiKey: 'kpay_test_simulator',
          secretKey: 'simulator-secret',
          baseUrl: simulator.url,
          environment: 'TEST',
          rateLimitPerMinute: 100_000,
        },
        // Short, so that a KPay that hangs does not delay the end of a test.
        { timeoutMs: 3_000 },
      );
      opened.push(account);
      return {
        ledger,
        account,
        pin: await pinAccount(ledger, account),
        epoch: await openLedgerEpoch({ ledger, witness: epochWitness, clock: systemClock }),
        checks: [scheduleCheck, rateCheck, fundsCheck],
        clock: systemClock,
        worker: `worker-${opened.length}`,
        conflictConfirmMs: 60_000,
        random: () => 1,
        onAlarm: (_transfer, alarm) => alarms.push(alarm),
        ...changes,
      };
    },
    async accept(body = {}) {
      const accounts = new Set(['default']);
      const { transfer } = await acceptTransfer(ledger, accounts, {
        account: 'default',
        owner: 'admin',
        body: { ...order, ...body },
      });
      return transfer;
    },
    async find(id) {
      const row = await findTransfer(ledger, id);
      if (!row) throw new Error(`no transfer ${id}`);
      return row;
    },
    async settle(id, engine) {
      for (let step = 0; step < 50; step++) {
        await advanceTransfer(engine, id, never);
        const row = await stage.find(id);
        if (row.due_at === null || row.state === 'holding') return row;
        ledger.passMs(Math.max(0, row.due_at.getTime() - ledger.now().getTime()) + 1);
      }
      throw new Error(`transfer ${id} did not settle`);
    },
    effects: (row) => simulator.control.truth().transfers.filter(({ externalId }) => externalId === row.kpay_external_id).length,
    async reset() {
      simulator.control.reset();
      alarms.splice(0);
      epochWitness.lose();
      await Promise.all(opened.splice(0).map((account) => account.close()));
      await ledger.empty();
    },
    async close() {
      await stage.reset();
      await simulator.close();
      await ledger.close();
    },
  };
  return stage;
}
