import { cancelTransfer, liftPause, type PauseScope, pause, replayTransfer, resolveReview } from '../../src/faces/operations.ts';
import type { EpochWitness } from '../../src/faces/worker.ts';
import { LedgerRestored, type TransferRow } from '../../src/index.ts';
import type { Rng } from './rng.ts';
import type { Universe } from './world.ts';

/** The people of a simulated run. What they say about KPay is true, and they act at any moment. */
export class People {
  private readonly universe: Universe;
  private readonly witness: EpochWitness;
  private readonly rng: Rng;
  private readonly onDone: { log: (what: string) => void; count: (what: string) => void };
  /** The ids that this order had in the ledger. After a restore, a lost order is accepted again under another id. */
  private readonly idsOf: (row: TransferRow) => readonly string[];

  constructor(
    universe: Universe,
    witness: EpochWitness,
    rng: Rng,
    onDone: { log: (what: string) => void; count: (what: string) => void },
    idsOf: (row: TransferRow) => readonly string[],
  ) {
    this.idsOf = idsOf;
    this.universe = universe;
    this.witness = witness;
    this.rng = rng;
    this.onDone = onDone;
  }

  async pause(): Promise<void> {
    const scope = this.rng.pick<PauseScope>([
      { scope: 'all' },
      { scope: 'account', account: 'default' },
      { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' },
    ]);
    if (!scope) return;
    const { ledger, timeline } = this.universe;
    const until = this.rng.chance(0.3) ? new Date(timeline.nowMs() + 90_000) : null;
    await pause(ledger, scope, { by: 'ada', reason: 'a test', until }, this.witness);
    this.done(`pauses (${scope.scope})`);
  }

  async liftPauses(): Promise<void> {
    const { ledger } = this.universe;
    const pauses = await ledger.db.selectFrom('kpay.pauses').selectAll().where('lifted_at', 'is', null).execute();
    for (const { id } of pauses) await liftPause(ledger, id, 'ada', this.witness);
    if (pauses.length > 0) this.done('pauses lifted');
  }

  /** Whether it is cancelled. */
  async cancel(row: TransferRow | undefined): Promise<boolean> {
    if (!row) return false;
    const cancelled = await unlessRestored(cancelTransfer(this.universe.ledger, this.witness, row.id, { by: 'ada' }));
    const isRefused = cancelled === 'restored';
    const isWon = !isRefused && cancelled?.outcome === 'cancelled';
    this.done(isRefused ? 'cancels refused until a restore is finished' : isWon ? 'cancels won' : 'cancels too late', row);
    return isWon;
  }

  /** A person checks KPay and reports the truth, or has the transfer sent again with this probability. */
  async resolveReviews(rows: readonly TransferRow[], sendAgain: number): Promise<void> {
    const { ledger, simulator, timeline } = this.universe;
    for (const row of rows) {
      // While a call is still under way at KPay nobody can say that nothing happened.
      if (row.state !== 'review' || this.idsOf(row).some((id) => timeline.isAtKpay(id))) continue;
      const truth = simulator.control.truth({ requests: 0, externalId: row.kpay_external_id });
      const again = row.send_body !== null && this.rng.chance(sendAgain);
      const verdict = again ? 'send_again' : truth.transfers.length > 0 ? 'happened' : 'not_happened';
      const resolution = { by: 'ada', verdict, reason: 'seen at KPay' } as const;
      const resolved = await unlessRestored(resolveReview(ledger, this.witness, row.id, resolution));
      this.done(
        resolved === 'restored' ? 'resolutions refused until a restore is finished' : `reviews resolved: ${verdict}`,
        row,
      );
    }
  }

  /** Several people replay the same transfer in one moment. Only one of them succeeds. */
  async replayTogether(row: TransferRow | undefined, externalIds: readonly string[]): Promise<TransferRow[]> {
    const made = await Promise.all(externalIds.map((externalId) => this.replay(row, externalId)));
    return made.filter((transfer) => transfer !== undefined);
  }

  /** Replays a transfer that ended without moving money; any other is refused. */
  async replay(row: TransferRow | undefined, externalId: string): Promise<TransferRow | undefined> {
    if (!row) return undefined;
    const replay = await replayTransfer(this.universe.ledger, new Set(['default']), row.id, { owner: 'admin', externalId });
    this.done(replay?.kind === 'accepted' ? 'replays' : 'replays refused', row);
    return replay?.kind === 'accepted' ? replay.acceptance.transfer : undefined;
  }

  private done(what: string, row?: TransferRow): void {
    this.onDone.count(what);
    this.onDone.log(row ? `${what}: ${row.external_id}` : what);
  }
}

/** A restored ledger accepts no decision about transfers until the restore is finished. */
async function unlessRestored<T>(done: Promise<T>): Promise<T | 'restored'> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof LedgerRestored) return 'restored';
    throw error;
  }
}
