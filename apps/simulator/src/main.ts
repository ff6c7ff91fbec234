#!/usr/bin/env node
import * as z from 'zod';
import { simulatorApiKey, simulatorSecretKey } from './model/application.ts';
import { createSimulator, type SimulatorOptions } from './simulator.ts';

const EnvironmentSchema = z.object({
  SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8090),
  HOST: z.string().min(1).default('127.0.0.1'),
  SIMULATOR_TIME_SCALE: z.coerce.number().positive().default(1),
  /** Only when it is set does the truth go to disk. */
  KPAY_DATA_DIR: z.string().min(1).optional(),
});

const environment = EnvironmentSchema.safeParse(process.env);
if (!environment.success) {
  const [issue] = environment.error.issues;
  console.error(`${issue?.path.join('.')}: ${issue?.message}`);
  process.exit(1);
}
const { SIMULATOR_PORT: port, HOST: host, SIMULATOR_TIME_SCALE: timeScale, KPAY_DATA_DIR: dataDir } = environment.data;
const options: SimulatorOptions = { port, host, timeScale, ...(dataDir !== undefined && { dataDir }) };

try {
  const simulator = await createSimulator(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close().then(() => process.exit(0)));
  }
  console.log(`A simulated KPay listens on ${simulator.url} (seed ${simulator.seed})`);
  console.log(`  X-API-Key: ${simulatorApiKey}   X-Secret-Key: ${simulatorSecretKey}`);
  console.log(`  control: ${simulator.url}/__sim   truth: ${dataDir ? `kept in ${dataDir}` : 'in memory'}`);
} catch (error) {
  console.error(whyNotStarted(error));
  process.exit(1);
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
