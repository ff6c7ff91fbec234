#!/usr/bin/env node
import { run } from './framework/run.ts';
import { commands } from './generated/commands.ts';

// What npm installs: the API's client, without the commands that need the stores.
const elsewhere = ['up', 'doctor', 'migrate', 'restore', 'rebuild-queue'];
process.exit(await run({ words: process.argv.slice(2), commands, env: process.env, elsewhere }));
