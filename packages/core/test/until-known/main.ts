import { parseArgs } from 'node:util';
import { runStage } from './stage.ts';

// npm run until-known -- 10000: transferUntilKnown under faults and kills. Exits 1 when a transfer is doubled or a verdict is
// untrue.
const { positionals, values } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' } } });
const transfers = Number(positionals[0] ?? 10_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!Number.isInteger(transfers) || transfers < 1 || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run until-known -- [transfers] [--seed number]\n');
  process.exit(2);
}
const result = await runStage({
  transfers,
  drivers: 2,
  scale: 30,
  atOnce: 400,
  livesMs: [500, 5_000],
  kills: Math.ceil(transfers / 500),
  seed,
});
const { doubled, wrong, counted, ...rest } = result;
const figures = { seed, ...rest, doubled, wrong, counted: counted.length };
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
const broken = [...result.doubled, ...result.wrong, ...result.moneyProblems];
// Node 24 can spin for ever in its own cleanup after peers with open requests were killed: exit without it.
process.exit(broken.length > 0 || result.unfinished > 0 ? 1 : 0);
