#!/usr/bin/env node
import { run } from './framework/run.ts';
import { commands } from './generated/commands.ts';
import { storeCommands } from './generated/store-commands.ts';

const { env, argv } = process;
// First: what is imported before it is not traced. Without a setting of OpenTelemetry none of it is loaded.
const traced = Object.keys(env).some((name) => name.startsWith('OTEL_'));
if (traced) await (await import('@kpay/runtime/telemetry')).startTelemetry('kpay', env);
const code = await run({ words: argv.slice(2), commands: [...commands, ...storeCommands], env });
if (traced) await (await import('@kpay/runtime/telemetry')).stopTelemetry();
process.exit(code);
