import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createSimulator,
  type FaultRule,
  type Simulator,
  simulatorApiKey,
  simulatorApplicationId,
  simulatorSecretKey,
} from '@kpay/simulator';
import { type Drive, externalIdOf, type Line, memoryPath, readLines } from './drive.ts';

export interface StageOptions {
  transfers: number;
  /** Processes that drive them. */
  drivers: number;
  /** How many times as fast as real time. */
  scale: number;
  atOnce: number;
  /** Milliseconds of real time that a driver lives before it is killed: from, to. */
  livesMs: readonly [number, number];
  /** Kills of each driver; then it may finish. */
  kills: number;
  seed: number;
}

export interface StageResult {
  transfers: number;
  ends: Record<string, number>;
  doubled: string[];
  wrong: string[];
  /** The counted case of docs/proof.md: KPay burnt the id, and the process died with that answer in its hands. */
  counted: string[];
  unfinished: number;
  kills: number;
  /** How often a call died at which step, and what the next one found. */
  crashes: Record<string, number>;
  found: Record<string, number>;
  sends: number;
  /** The share of sends that met a fault, and how often each did. */
  faulty: number;
  faults: Record<string, number>;
  moneyProblems: string[];
  tookMs: number;
}

/** Milliseconds at KPay, by the scaled clock. No call runs longer than two conflicts are apart (decision 0028). */
const RUNS_MS = 40_000;

/** Together they meet about 35 of 100 sends. The first that fires has the request for itself. */
function faultRules(scale: number): FaultRule[] {
  const runs = Math.ceil(RUNS_MS / scale);
  const faults: [number, FaultRule['fault']][] = [
    [0.05, { kind: 'drop', when: 'before', reset: true }],
    [0.05, { kind: 'drop', when: 'after' }],
    [0.03, { kind: 'truncate' }],
    [0.01, { kind: 'hang', when: 'before' }],
    [0.02, { kind: 'hang', when: 'after' }],
    [0.04, { kind: 'status', status: 500, when: 'before' }],
    [0.04, { kind: 'status', status: 502, when: 'after', as: 'text' }],
    [0.02, { kind: 'html', status: 201, when: 'after' }],
    [0.02, { kind: 'html', status: 404, when: 'before' }],
    [0.02, { kind: 'answer', status: 403, body: '{"error":"blocked"}', when: 'after' }],
    [0.01, { kind: 'answer', status: 201, body: '{"id":"x1","status":"FAILED"}', when: 'before' }],
    [0.01, { kind: 'answer', status: 201, body: '{"id":"x2","status":"PENDING"}', when: 'after' }],
    [0.03, { kind: 'rate_limit', retryAfterSeconds: 1 }],
    [0.02, { kind: 'unauthorized' }],
    [0.03, { kind: 'burn_id' }],
    [0.04, { kind: 'conflict_while_running', delayMs: runs, outcome: 'fail', gatewayTimeoutMs: runs / 8 }],
    [0.02, { kind: 'conflict_while_running', delayMs: runs, outcome: 'succeed', gatewayTimeoutMs: runs / 8 }],
    [0.01, { kind: 'conflict_while_running', delayMs: runs / 4, outcome: 'fail', status: 422 }],
    [0.01, { kind: 'delay', delayMs: 5, jitterMs: 20, when: 'after' }],
  ];
  return faults.map(([probability, fault]) => ({ match: { endpoint: 'transfer' }, probability, fault }));
}

/** Moves transfers through a KPay with faults, by processes that are killed, and compares each verdict with the truth. */
export async function runStage(options: StageOptions): Promise<StageResult> {
  const startedMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'until-known-'));
  const { scale, seed, transfers } = options;
  const simulator = await createSimulator({ port: 0, limit: 1_000_000_000, timeScale: scale, seed });
  try {
    simulator.control.setBalance({ country: 'CMR', balance: 100_000_000_000 });
    for (const rule of faultRules(scale)) simulator.control.addFault(rule);
    const share = Math.ceil(transfers / options.drivers);
    const drives = Array.from({ length: options.drivers }, (_, index): Drive => {
      const from = index * share;
      return {
        url: simulator.url,
        apiKey: simulatorApiKey,
        secretKey: simulatorSecretKey,
        applicationId: simulatorApplicationId,
        folder,
        name: String(index),
        from,
        to: Math.min(from + share, transfers),
        scale,
        baseMs: startedMs,
        atOnce: options.atOnce,
        crashes: 0.35,
      };
    });
    const kills = await Promise.all(drives.map((drive) => driveWithKills(drive, options)));
    // What still runs at KPay may still move money.
    await delay((2 * RUNS_MS) / scale);
    const lines = drives.flatMap(({ name }) => readLines(join(folder, `ends-${name}.jsonl`)));
    return {
      ...judge(transfers, lines, simulator, folder),
      kills: kills.reduce((sum, each) => sum + each, 0),
      tookMs: Date.now() - startedMs,
    };
  } finally {
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts a driver again and again, and kills it, until it ends by itself. @returns how often it was killed. */
async function driveWithKills(drive: Drive, { kills, livesMs: [least, most] }: StageOptions): Promise<number> {
  for (let killed = 0; ; ) {
    const child = fork(new URL('./drive-process.ts', import.meta.url), [JSON.stringify(drive)], {
      execArgv: ['--conditions=@kpay/source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit');
    await Promise.race([once(child, 'message'), ended]);
    const timer = killed < kills ? setTimeout(() => child.kill('SIGKILL'), least + Math.random() * (most - least)) : undefined;
    const [code, signal] = await ended;
    clearTimeout(timer);
    if (code === 0) return killed;
    if (signal !== 'SIGKILL') throw new Error(`a driver ended with ${code ?? signal}`);
    killed += 1;
  }
}

type Judged = Omit<StageResult, 'kills' | 'tookMs'>;

function judge(transfers: number, lines: readonly Line[], simulator: Simulator, folder: string): Judged {
  const truth = simulator.control.truth({ requests: 0 });
  const made = Map.groupBy(truth.transfers, ({ externalId }) => externalId ?? '');
  const burnt = new Set(truth.burntIds.map(({ externalId }) => externalId));
  const rules = simulator.control.listFaults();
  const sends = truth.requestCounts.byEndpoint.transfer ?? 0;
  const fired = rules.reduce((sum, rule) => sum + rule.fired, 0);
  const result: Judged = {
    transfers,
    ends: {},
    doubled: [...made].filter(([, each]) => each.length > 1).map(([id]) => id),
    wrong: [],
    counted: [],
    unfinished: transfers,
    crashes: {},
    found: {},
    sends,
    faulty: fired / sends,
    faults: {},
    moneyProblems: truth.money.problems,
  };
  for (const { rule, fired: times } of rules) count(result.faults, rule.fault.kind, times);
  const ended = new Map<number, Line>();
  for (const line of lines) {
    if (line.kind === 'crash') count(result.crashes, line.what);
    else if (line.kind === 'found') count(result.found, line.what);
    else {
      const id = externalIdOf(line.number);
      if (ended.has(line.number)) result.wrong.push(`${id} ended twice`);
      ended.set(line.number, line);
      count(result.ends, line.kind === 'ask' ? `ask: ${line.what}` : line.kind);
    }
  }
  result.unfinished = transfers - ended.size;
  for (const [number, line] of ended) {
    const id = externalIdOf(number);
    const [effect] = made.get(id) ?? [];
    const problem = problemOf(line, effect);
    if (problem === undefined) continue;
    const isCounted = line.kind === 'conflict' && !effect && burnt.has(id) && !knowsRefusal(memoryPath(folder, number));
    (isCounted ? result.counted : result.wrong).push(`${id}: ${problem}`);
  }
  return result;
}

/** What is untrue about a verdict. Only KPay can tell (`ask`) claims nothing. */
function problemOf({ kind, what, atMs }: Line, effect: { id: string; createdAt: string } | undefined): string | undefined {
  if (kind === 'nothing') return effect && `refused (${what}), but made`;
  if (kind === 'ask') return undefined;
  if (!effect) return `known by ${kind}, but not made`;
  if (kind === 'answer' && what !== effect.id) return `the receipt ${what} is of another transfer`;
  return Date.parse(effect.createdAt) > atMs ? `known by ${kind} before it was made` : undefined;
}

function knowsRefusal(path: string): boolean {
  return JSON.parse(readFileSync(path, 'utf8')).conflictsProveNothing;
}

function count(counts: Record<string, number>, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times;
}
