import { measurePartitions } from './accounts.ts';
import { measureApi } from './api.ts';
import { measureCommandLine, type Program } from './cli.ts';
import { type CallCost, type ClientCalls, measureClient } from './client.ts';
import { type Backlog, measureBacklog, measurePeer, TIME_SCALE } from './limit.ts';
import { measureLists } from './lists.ts';
import { median, percentile } from './median.ts';
import { measureMemory } from './memory.ts';
import { describeRange, ratios } from './ratios.ts';
import { FLEET_TIME_SCALE, type FleetRun, measureFleet } from './scale.ts';
import { measureScrape } from './scrape.ts';
import { type Cost, measureSpeed, type Speed } from './speed.ts';
import { measureTraced, tracings } from './traced.ts';

/** A figure with a bound. */
export interface Figure {
  what: string;
  seen: string;
  needed: string;
  held: boolean;
}

export interface Report {
  /** Markdown. */
  text: string;
  figures: Figure[];
}

export interface Size {
  transfers: number;
  rounds: number;
}

export interface Part {
  name: string;
  title: string;
  full: Size;
  /** For `--check`: the bounds are the same, but fewer transfers are averaged. */
  small: Size;
  run(size: Size): Promise<Report>;
}

export const parts: readonly Part[] = [
  {
    name: 'limit',
    title: 'A backlog under the limit',
    full: { transfers: 1_000, rounds: 1 },
    // With fewer transfers the first reads would weigh too much.
    small: { transfers: 500, rounds: 1 },
    run: reportLimit,
  },
  {
    name: 'scale',
    title: 'Eight workers and two exporters under the limit',
    full: { transfers: 600, rounds: 1 },
    small: { transfers: 150, rounds: 1 },
    run: reportScale,
  },
  {
    name: 'speed',
    title: 'Without the limit',
    full: { transfers: 1_500, rounds: 3 },
    small: { transfers: 1_000, rounds: 2 },
    run: reportSpeed,
  },
  {
    name: 'client',
    title: 'A call of the client',
    full: { transfers: 300, rounds: 40 },
    small: { transfers: 300, rounds: 30 },
    run: reportClient,
  },
  {
    name: 'api',
    title: 'Creating transfers by the admin API',
    full: { transfers: 6_000, rounds: 5 },
    small: { transfers: 2_000, rounds: 3 },
    run: reportApi,
  },
  {
    name: 'cli',
    title: 'The command line',
    full: { transfers: 200, rounds: 31 },
    small: { transfers: 200, rounds: 11 },
    run: reportCommandLine,
  },
  {
    name: 'memory',
    title: '100,000 waiting transfers: memory, and people beside them',
    full: { transfers: 100_000, rounds: 1 },
    small: { transfers: 100_000, rounds: 1 },
    run: reportMemory,
  },
  {
    name: 'accounts',
    title: '1,000 accounts, half of them each worker',
    full: { transfers: 1_000, rounds: 1 },
    small: { transfers: 100, rounds: 1 },
    run: reportAccounts,
  },
  {
    name: 'lists',
    title: 'Lists and searches',
    full: { transfers: 1_000_000, rounds: 101 },
    small: { transfers: 1_000_000, rounds: 21 },
    run: reportLists,
  },
  {
    name: 'traces',
    title: 'Traced',
    full: { transfers: 1_000, rounds: 3 },
    small: { transfers: 500, rounds: 3 },
    run: reportTraced,
  },
  {
    name: 'scrape',
    title: 'A scrape of the exporter',
    full: { transfers: 0, rounds: 11 },
    small: { transfers: 0, rounds: 5 },
    run: reportScrape,
  },
];

async function reportScrape({ rounds }: Size): Promise<Report> {
  const cost = await measureScrape({ rounds });
  const ratio = median(cost.rounds.map(({ ours, bare }) => ours / bare));
  const { healthy, hanging } = cost.p99Ms;
  const of = (side: 'ours' | 'bare') =>
    describeRange(
      cost.rounds.map((round) => round[side]),
      1,
    );
  return {
    text: `${cost.series} series, over 5,000 of them statuses of operators, scraped by HTTP within one process. \`prom-client\` alone shows series
with the same names, labels and values. Then KPay hangs on every call, at the default intervals.

| | ms a scrape |
|---|---|
| exporter, of processor | ${of('ours')} |
| prom-client, of processor | ${of('bare')} |
| exporter, p99 while KPay answers | ${healthy.toFixed(1)} |
| exporter, p99 while KPay hangs | ${hanging.toFixed(1)} |`,
    figures: [
      { what: 'a scrape, times that of prom-client', seen: ratio.toFixed(2), needed: '≤ 1.3', held: ratio <= 1.3 },
      {
        what: 'p99 while KPay hangs, times that while it answers',
        seen: (hanging / healthy).toFixed(2),
        needed: '≤ 2',
        held: hanging <= 2 * healthy,
      },
      {
        what: 'seconds until kpay_up is 0',
        seen: cost.downAfterS.toFixed(0),
        needed: '≤ 60',
        held: cost.downAfterS <= 60,
      },
    ],
  };
}

function perMinute({ transfers, minutes }: Backlog): number {
  return transfers / minutes;
}

async function reportLimit({ transfers }: Size): Promise<Report> {
  // At the same time, each on its own servers, because both mostly wait for KPay's minutes.
  const [ours, peer] = await Promise.all([measureBacklog(transfers), measurePeer(transfers)]);
  const total = (backlog: Backlog) => Object.values(backlog.requests).reduce((sum, count) => sum + count, 0);
  const row = (name: string, backlog: Backlog) =>
    `| ${name} | ${(backlog.transfers / total(backlog)).toFixed(3)} | ${perMinute(backlog).toFixed(1)} | ${backlog.minutes.toFixed(1)} | ${backlog.refused} | ${describeRequests(backlog)} |`;
  const perRequest = ours.transfers / total(ours);
  const ratio = perMinute(ours) / perMinute(peer);
  return {
    text: `${transfers} transfers over ten corridors and seven currencies are enqueued at once. Each has a \`minRate\`, so the rate and the funds of
its own currency are checked. KPay's limit is 100 requests a minute. Every clock (simulator, budget, observations, worker,
exporter) runs ${TIME_SCALE} times faster; minutes are KPay's. The exporter runs beside the worker, on the same budget. The peer
(apps/bench/src/peer.ts) runs at the same time on servers of its own. It caches its token, reads balance and rate for each
transfer, and stays below the limit with BullMQ's limiter.

| | transfers a request | transfers a minute | minutes | 429 | requests |
|---|---|---|---|---|---|
${row('kpay-ops', ours)}
${row('peer', peer)}`,
    figures: [
      { what: 'transfers a request', seen: perRequest.toFixed(3), needed: '≥ 0.93', held: perRequest >= 0.93 },
      { what: 'requests refused by the limit', seen: String(ours.refused), needed: 'none', held: ours.refused === 0 },
      { what: 'transfers a minute, times those of the peer', seen: ratio.toFixed(2), needed: '≥ 2.7', held: ratio >= 2.7 },
    ],
  };
}

function describeRequests({ requests }: Backlog): string {
  const counted = Object.entries(requests).sort(([, a], [, b]) => b - a);
  return counted.map(([endpoint, count]) => `${endpoint} ${count}`).join(', ');
}

/**
 * A read may fall earlier or later in the minute by chance, and a slot is held a little longer where ten processes
 * share two cores. Separate budgets or separate reads for each worker would cost far more.
 */
const MIN_SHARE_OF_ONE = 0.97;
/**
 * If others use more than this share of the processors, slots are held longer because processes wait for their turn.
 * Then the pace shows the load of the others.
 */
const MAX_OTHERS_SHARE = 0.25;

async function reportScale({ transfers }: Size): Promise<Report> {
  const one = await measureFleet(transfers, { workers: 1, exporters: 1 });
  const many = await measureFleet(transfers, { workers: 8, exporters: 2 });
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const row = ({ workers, exporters, backlog, connections: { worker, exporter }, othersShare }: FleetRun) =>
    `| ${workers} + ${exporters} | ${perMinute(backlog).toFixed(1)} | ${backlog.minutes.toFixed(2)} | ${backlog.refused} | ${describeRequests(backlog)} | ${worker.postgres}, ${worker.redis} | ${exporter.postgres}, ${exporter.redis} | ${percent(othersShare)} |`;
  const ratio = perMinute(many.backlog) / perMinute(one.backlog);
  const perRequest = ({ backlog: { transfers: moved, requests } }: FleetRun) =>
    moved / Object.values(requests).reduce((sum, count) => sum + count, 0);
  const perRequestRatio = perRequest(many) / perRequest(one);
  const refused = one.backlog.refused + many.backlog.refused;
  const isAlone = Math.max(one.othersShare, many.othersShare) <= MAX_OTHERS_SHARE;
  return {
    text: `${transfers} transfers as above are enqueued at once when all processes are ready and warm; earlier requests to KPay do not count. First
one worker and one exporter run, then eight and two, each fleet on servers of its own. KPay's limit is 100 requests a minute for
all of them together, and every clock runs ${FLEET_TIME_SCALE} times faster. Connections are the most that one process held to Postgres and
to Redis. If other programs used more than ${percent(MAX_OTHERS_SHARE)} of the processors meanwhile, the pace does not count.

| workers + exporters | transfers a minute | minutes | 429 | requests | connections of a worker | of an exporter | others |
|---|---|---|---|---|---|---|---|
${[one, many].map(row).join('\n')}`,
    figures: [
      { what: 'requests refused by the limit', seen: String(refused), needed: 'none', held: refused === 0 },
      {
        what: 'transfers a request of eight workers, times those of one',
        seen: perRequestRatio.toFixed(3),
        needed: `≥ ${MIN_SHARE_OF_ONE}`,
        held: perRequestRatio >= MIN_SHARE_OF_ONE,
      },
      {
        what: 'transfers a minute of eight workers, times those of one',
        seen: `${ratio.toFixed(3)}${isAlone ? '' : ', does not count: others used the machine'}`,
        needed: `≥ ${MIN_SHARE_OF_ONE}`,
        held: !isAlone || ratio >= MIN_SHARE_OF_ONE,
      },
    ],
  };
}

async function reportSpeed({ transfers, rounds }: Size): Promise<Report> {
  const speeds: Speed[] = [];
  for (const concurrency of [20, 50]) speeds.push(await measureSpeed({ concurrency, transfers, rounds }));
  const rows = speeds.map((speed) => {
    const of = (side: 'ours' | 'bare') =>
      describeRange(
        speed.rounds.map((round) => round[side].perSecond),
        0,
      );
    return `| ${speed.concurrency} | ${of('ours')} | ${of('bare')} | ${describeRange(shares(speed), 2)} |`;
  });
  return {
    text: `The real worker against a bare loop (apps/bench/src/bare-loop.ts). The loop takes the same jobs, sends one POST with undici, and
makes the three durable steps of a transfer (accepted, \`submitting\`, outcome), each with its own commit. The worker makes the same
three steps, each durable before the next. Its simultaneous transfers share a commit (docs/decisions/0029), as the transactions
below show. Ten corridors and seven currencies, each transfer with a \`minRate\`; ${rounds} rounds of ${transfers} transfers of each side
in turn. Median (least to most).

| concurrency | transfers a second | bare loop | share of the bare loop |
|---|---|---|---|
${rows.join('\n')}

Processor time for a transfer in milliseconds (medians), and the transactions that Postgres counted as committed for each
transfer, read-only ones included:

| | this process | Postgres | Redis | simulator | transactions |
|---|---|---|---|---|---|
${speeds
  .flatMap(({ concurrency, rounds: measured, transactions }) =>
    (['ours', 'bare'] as const).map((side) =>
      costRow(
        `${side === 'ours' ? 'worker' : 'bare loop'}, ${concurrency}`,
        measured.map((round) => round[side]),
        transactions[side],
      ),
    ),
  )
  .join('\n')}`,
    figures: speeds.flatMap((speed) => {
      const share = median(shares(speed));
      const perSecond = median(speed.rounds.map(({ ours }) => ours.perSecond));
      const at = `at concurrency ${speed.concurrency}`;
      return [
        { what: `share of the bare loop ${at}`, seen: share.toFixed(2), needed: '≥ 0.45', held: share >= 0.45 },
        { what: `transfers a second ${at}`, seen: perSecond.toFixed(0), needed: '≥ 100', held: perSecond >= 100 },
      ];
    }),
  };
}

/** Round by round, so that a temporary slowdown of the machine affects both sides. */
function shares(speed: Speed): number[] {
  return ratios(speed.rounds.map(({ ours, bare }) => ({ ours: ours.perSecond, bare: bare.perSecond })));
}

function costRow(name: string, costs: readonly Cost[], transactions: number): string {
  const cpu = ['node', 'postgres', 'redis', 'simulator'].map((process) =>
    median(costs.map(({ cpuMs }) => cpuMs[process] ?? 0)).toFixed(2),
  );
  return `| ${name} | ${cpu.join(' | ')} | ${transactions.toFixed(2)} |`;
}

async function reportClient({ transfers, rounds }: Size): Promise<Report> {
  const measured = await measureClient({ calls: transfers, rounds });
  const shareOf = (calls: ClientCalls) =>
    ratios(calls.rounds.map(({ ours, bare }) => ({ ours: ours.perSecond, bare: bare.perSecond })));
  const rows = measured.map((calls) => {
    const of = (side: 'ours' | 'bare', what: keyof CallCost) => calls.rounds.map((round) => round[side][what]);
    const speeds = (['ours', 'bare'] as const).map((side) => describeRange(of(side, 'perSecond'), 0)).join(' | ');
    const cpu = (['ours', 'bare'] as const).map((side) => median(of(side, 'cpuUs')).toFixed(0)).join(' | ');
    return `| ${calls.concurrency} | ${speeds} | ${describeRange(shareOf(calls), 2)} | ${cpu} |`;
  });
  return {
    text: `\`client.transfer\`, with token and budget in memory, against undici with the same request, which only parses the answer. ${rounds}
rounds of ${transfers} calls of each side in turn, to the simulator in a separate process. Median (least to most);
processor time is this process's for a call, in microseconds.

| calls at once | calls a second | bare undici | share | processor time | bare undici |
|---|---|---|---|---|---|
${rows.join('\n')}`,
    figures: measured.map((calls) => {
      const share = median(shareOf(calls));
      const what = `share of bare undici, ${calls.concurrency} at once`;
      return { what, seen: share.toFixed(2), needed: '≥ 0.85', held: share >= 0.85 };
    }),
  };
}

function describeWait(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(2) : 'given up';
}

async function reportApi({ transfers, rounds }: Size): Promise<Report> {
  const { steady, rounds: measured, cpuMs } = await measureApi({ seconds: 60, requests: transfers, rounds });
  const of = (side: 'ours' | 'bare') =>
    describeRange(
      measured.map((round) => round[side]),
      0,
    );
  const share = median(ratios(measured));
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  return {
    text: `\`POST /v1/transfers\` with an API key, against a bare Express handler (apps/bench/src/bare-api.ts). The handler writes the same two rows
into the same tables, with their indexes and triggers, in one statement, and adds the same job; it has no key, no checks and no
limit. 64 requests at once, ${rounds} rounds of ${transfers} of each side in turn. There are no workers: the jobs are removed every 50 ms,
because the API adds no more while a hundred wait. Median (least to most).

| transfers a second | bare handler | share |
|---|---|---|
| ${of('ours')} | ${of('bare')} | ${describeRange(ratios(measured), 2)} |

Processor time of the process for a transfer: ${describeRange(
      cpuMs.map(({ ours }) => ours),
      2,
    )} ms, of the bare handler ${describeRange(
      cpuMs.map(({ bare }) => bare),
      2,
    )} ms.

Then ${steady.perSecond} a second for ${steady.seconds} s, each timed from when it was due: median ${ms(steady.p50Ms)}, p99 ${ms(steady.p99Ms)}, worst ${ms(steady.worstMs)}.`,
    figures: [
      { what: 'p99 at 200 a second', seen: ms(steady.p99Ms), needed: '< 80 ms', held: steady.p99Ms < 80 },
      { what: 'errors at 200 a second', seen: String(steady.errors), needed: 'none', held: steady.errors === 0 },
      { what: 'share of a bare handler, saturated', seen: share.toFixed(2), needed: '≥ 0.50', held: share >= 0.5 },
    ],
  };
}

async function reportMemory({ transfers }: Size): Promise<Report> {
  const { beforeMb, waitingMb, redisMb, people } = await measureMemory(transfers);
  const mb = (size: number) => `${size.toFixed(0)} MB`;
  return {
    text: `A worker under the real limit with ${transfers.toLocaleString('en')} due transfers in the ledger. It sweeps, makes advance jobs and sends
all the while. Resident size with an empty ledger, and the most while they waited.

| | empty | waiting |
|---|---|---|
| worker | ${mb(beforeMb)} | ${mb(waitingMb)} |
| Redis | ${mb(redisMb.before)} | ${mb(redisMb.waiting)} |

Meanwhile people ask the API for rates that nobody has read, in real time, because scaled time would scale the waits too. Two
slots in a minute are kept for people, all of them together. A person who asks more often waits for the next free slot, and the
API gives up after 5 s.

| a person asks | seconds until the answer |
|---|---|
${people.map(({ everyS, seconds }) => `| every ${everyS} s | ${seconds.map(describeWait).join(', ')} |`).join('\n')}`,
    figures: people.map(({ everyS, seconds }) => {
      const wait = percentile(seconds, 0.95);
      const what = `seconds that a person waits who asks every ${everyS} s, at p95`;
      return { what, seen: describeWait(wait), needed: '< 3', held: wait < 3 };
    }),
  };
}

async function reportAccounts({ transfers }: Size): Promise<Report> {
  const { workers, movedS, idle } = await measurePartitions(transfers, 2);
  const processor = (share: number) => `${(100 * share).toFixed(0)} %`;
  const rows = workers.map(
    ({ accounts, startS, residentMb, connections }) =>
      `| ${accounts} | ${startS.toFixed(1)} s | ${residentMb.toFixed(0)} MB | ${connections.postgres} | ${connections.redis} |`,
  );
  return {
    text: `${transfers.toLocaleString('en')} accounts on one machine, one Postgres and one Redis. Each of two workers serves half of them
(KPAY_WORKER_ACCOUNTS). The accounts share one key, so the limit is lifted. The start ends when intake is open. Then each account
gets a job.

| accounts of a worker | start | memory | connections to Postgres | to Redis |
|---|---|---|---|---|
${rows.join('\n')}

All accounts had moved their transfer after ${movedS.toFixed(1)} s. When idle, both workers together take ${processor(idle.workers)} of a processor,
Postgres ${processor(idle.postgres)}, Redis ${processor(idle.redis)}.`,
    figures: [],
  };
}

async function reportLists({ transfers, rounds }: Size): Promise<Report> {
  const costs = await measureLists({ transfers, rounds });
  const count = transfers.toLocaleString('en');
  const rows = costs.map(
    ({ what, rows, ms }) =>
      `| ${what} | ${rows.small} | ${ms.small.toFixed(2)} | ${rows.large} | ${ms.large.toFixed(2)} | ${(ms.large / ms.small).toFixed(2)} |`,
  );
  return {
    text: `A page of 50 in a ledger of 10,000 transfers and in one of ${count}, in turn, ${rounds} times each, read from the admin API by HTTP.
"of 10" means that both ledgers have 10 such transfers. Medians, from the request to the last byte.

| | rows | 10,000: ms | rows | ${count}: ms | ratio |
|---|---|---|---|---|---|
${rows.join('\n')}`,
    figures: costs.map(({ what, ms }) => {
      const ratio = ms.large / ms.small;
      return { what: `${what}, times what it costs with 10,000`, seen: ratio.toFixed(2), needed: '≤ 2', held: ratio <= 2 };
    }),
  };
}

async function reportTraced(size: Size): Promise<Report> {
  const { rounds, idleShare } = await measureTraced(size);
  const names = { off: 'no OTEL_* setting', tenth: 'one transfer of ten', on: 'each transfer' };
  const rows = tracings.map((tracing) => {
    const costs = rounds.map((round) => round[tracing]);
    const shares = ratios(rounds.map((round) => ({ ours: round[tracing].perSecond, bare: round.off.perSecond })));
    const perSecond = describeRange(
      costs.map((cost) => cost.perSecond),
      0,
    );
    return `| ${names[tracing]} | ${perSecond} | ${median(shares).toFixed(2)} | ${median(costs.map((cost) => cost.cpuMs)).toFixed(2)} |`;
  });
  return {
    text: `The worker at concurrency 20 without the limit, with jobs of BullMQ; spans go to a collector that only reads them. ${rounds.length}
rounds of ${size.transfers} transfers of each in turn. Median (least to most); processor time is the worker's for a transfer, in
milliseconds.

| traced | transfers a second | share of not traced | processor time |
|---|---|---|---|
${rows.join('\n')}

Then ${size.transfers} transfers by a worker that is not traced, under Node's profiler: the share of its processor time in OpenTelemetry's
API, which does nothing then, and in our calls of it (none of these files contains the work of a transfer's step itself).`,
    figures: [
      {
        what: 'share of the processor time that tracing takes when it is off',
        seen: `${(100 * idleShare).toFixed(2)} %`,
        needed: '≤ 1 %',
        held: idleShare <= 0.01,
      },
    ],
  };
}

async function reportCommandLine(size: Size): Promise<Report> {
  const { bareMs, apiMs, programs } = await measureCommandLine(size);
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const most = { version: 1.25, help: 1.5, list: 2 };
  const ratiosOf = ({ versionMs, helpMs, listMs }: Program) => ({
    version: versionMs / bareMs,
    help: helpMs / bareMs,
    // The API's own time is not the command line's.
    list: (listMs - apiMs) / bareMs,
  });
  const rows = programs.map((each) => `| \`${each.name}\` | ${ms(each.versionMs)} | ${ms(each.helpMs)} | ${ms(each.listMs)} |`);
  return {
    text: [
      `\`node -e 0\` takes ${ms(bareMs)} here, and the API ${ms(apiMs)} for a first page. Medians of ${size.rounds}, in turn.`,
      '',
      '| `node` with | `--version` | `--help` | `transfer list`, to its first row |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n'),
    figures: programs.flatMap((each) => {
      const seen = ratiosOf(each);
      return (['version', 'help', 'list'] as const).map((what) => ({
        what: `${each.name}, ${what}, beside a bare node${what === 'list' ? ", without the API's time" : ''}`,
        seen: seen[what].toFixed(2),
        needed: `at most ${most[what]}`,
        held: seen[what] <= most[what],
      }));
    }),
  };
}
