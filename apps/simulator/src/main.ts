#!/usr/bin/env node
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { startSimulator } from './simulator.ts';

const USAGE = `kpay-simulator [options]: a simulated KPay on this machine, until Ctrl-C

  --port <n>         8090 unless given; 0 takes any free one    SIMULATOR_PORT
  --host <address>   127.0.0.1 unless given                     HOST
  --time-scale <n>   tokens, limits and caches run out faster   SIMULATOR_TIME_SCALE
  --data-dir <path>  keeps the truth on disk                    KPAY_DATA_DIR
  --help

The names on the right are environment variables that say the same.`;

/** The environment variable of each option. */
const VARIABLES = {
  port: 'SIMULATOR_PORT',
  host: 'HOST',
  'time-scale': 'SIMULATOR_TIME_SCALE',
  'data-dir': 'KPAY_DATA_DIR',
} as const;

const SettingsSchema = z.object({
  SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8090),
  HOST: z.string().min(1).default('127.0.0.1'),
  SIMULATOR_TIME_SCALE: z.coerce.number().positive().default(1),
  /** Only when it is set does the truth go to disk. */
  KPAY_DATA_DIR: z.string().min(1).optional(),
});

const given = readArguments();
if (given.help) {
  console.log(USAGE);
  process.exit(0);
}
const settings = SettingsSchema.safeParse({ ...process.env, ...given.settings });
if (!settings.success) {
  const [issue] = settings.error.issues;
  const variable = issue?.path.join('.') ?? '';
  const [option] = Object.entries(VARIABLES).find(([name, each]) => each === variable && given.names.has(name)) ?? [];
  console.error(`${option === undefined ? variable : `--${option}`}: ${issue?.message}`);
  process.exit(1);
}
const { SIMULATOR_PORT: port, HOST: host, SIMULATOR_TIME_SCALE: timeScale, KPAY_DATA_DIR: dataDir } = settings.data;

try {
  const simulator = await startSimulator({ port, host, timeScale, dataDir });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close().then(() => process.exit(0)));
  }
  console.log(`A simulated KPay listens on ${simulator.baseUrl} (seed ${simulator.seed})`);
  console.log(`  X-API-Key: ${simulator.apiKey}   X-Secret-Key: ${simulator.secretKey}`);
  console.log(`  control: ${simulator.baseUrl}/__sim   truth: ${dataDir ? `kept in ${dataDir}` : 'in memory'}`);
} catch (error) {
  console.error(whyNotStarted(error));
  process.exit(1);
}

function readArguments() {
  try {
    const text = { type: 'string' } as const;
    const options = { port: text, host: text, 'time-scale': text, 'data-dir': text, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ options });
    const { help = false, ...settings } = values;
    const named = Object.entries(settings).map(([name, value]) => [VARIABLES[name as keyof typeof VARIABLES], value] as const);
    return { help, names: new Set(Object.keys(settings)), settings: Object.fromEntries(named) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return process.exit(2);
  }
}

function whyNotStarted(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use; choose another with SIMULATOR_PORT`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine; choose another with HOST`;
    default:
      return String(error);
  }
}
