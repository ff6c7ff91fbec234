#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { allCases } from './all-cases.ts';
import { exitCodeOf, formatJson, formatTable } from './report.ts';
import { type RunOptions, runCases } from './run-cases.ts';

const flags = readFlags();

/**
 * How much faster the simulator's clock runs. The suite may send faster as well, so a run takes seconds under the same
 * limit.
 */
const simulatorTimeScale = 60;

const options = { moveMoney: flags['move-money'], liveMoney: flags['live-money'], exhaustLimit: flags['exhaust-limit'] };
const apiKey = readSecret('KPAY_API_KEY');
if (apiKey === undefined && process.env.KPAY_BASE_URL) fail('KPAY_BASE_URL is set and KPAY_API_KEY is missing');
process.exitCode = apiKey === undefined ? await runOnSimulator() : await run({ ...settingsFor(apiKey), ...options });

async function runOnSimulator(): Promise<number> {
  const simulator = await startSimulator({ timeScale: simulatorTimeScale });
  try {
    const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
    console.error('No KPAY_API_KEY: this is the simulator, and says nothing about KPay.');
    return await run({ keys, baseUrl: simulator.url, requestsPerMinute: 55 * simulatorTimeScale, ...options });
  } finally {
    await simulator.close();
  }
}

async function run(options: RunOptions): Promise<number> {
  const results = await runCases(allCases, options);
  process.stdout.write(flags.json ? formatJson(results) : formatTable(results));
  return exitCodeOf(results);
}

function settingsFor(key: string): RunOptions {
  const secretKey = readSecret('KPAY_SECRET_KEY');
  const baseUrl = (process.env.KPAY_BASE_URL || 'https://admin.kpay.site').replace(/\/+$/, '');
  if (secretKey === undefined) fail('KPAY_SECRET_KEY is missing');
  if (!/^kpay_(test|live)_/.test(key)) fail('KPAY_API_KEY must start with kpay_test_ or kpay_live_');
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol))
    fail('KPAY_BASE_URL must be an http or https address');
  const requestsPerMinute = Number(flags['requests-per-minute']);
  if (!(requestsPerMinute > 0)) fail('--requests-per-minute must be a number above zero');
  return { keys: { apiKey: key, secretKey }, baseUrl, requestsPerMinute };
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        'move-money': { type: 'boolean', default: false },
        'live-money': { type: 'boolean', default: false },
        'exhaust-limit': { type: 'boolean', default: false },
        'requests-per-minute': { type: 'string', default: '55' },
        json: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** Reads a secret from the variable `name`, or from the file that `<name>_FILE` names. */
function readSecret(name: string): string | undefined {
  const file = process.env[`${name}_FILE`];
  if (process.env[name] || !file) return process.env[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    fail(`the file of ${name}_FILE cannot be read`);
  }
}

function fail(why: string): never {
  console.error(`conformance: ${why}`);
  process.exit(2);
}
