#!/usr/bin/env node
import { startTelemetry } from '@kpay/runtime/telemetry';

// First: what is imported before it is not traced.
await startTelemetry('kpay', process.env);
const { runCommand } = await import('./run-command.ts');
const code = await runCommand(process.env);
if (code !== undefined) process.exit(code);
