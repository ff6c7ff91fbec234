import { InvalidSettings } from '@kpay/core';
import { StartError, stopTelemetry } from '@kpay/runtime';
import { Command } from 'commander';
import { examine } from './doctor/doctor.ts';
import { exitCodeOf } from './doctor/finding.ts';
import { printFindings } from './doctor/print-findings.ts';
import { addMaintenanceCommands } from './maintenance-commands.ts';
import { up } from './up.ts';

/**
 * Runs the command that the process was started with.
 *
 * @returns the exit code when the process must end now; undefined when it ends by itself.
 */
export async function runCommand(env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const program = new Command('kpay').description('Move money between KPay wallets, once, and see it.');
  let code: number | undefined;

  program
    .command('up')
    .description('start everything in this process: worker, exporter, admin API, and a local KPay when no key is set')
    .option('--demo', 'make one transfer, follow it to its end, then stop')
    .action(async (options: { demo?: boolean }) => {
      // A send that KPay leaves without an answer would keep the process alive; the next start finds it by its lease.
      code = await up(env, { demo: options.demo ?? false });
    });

  program
    .command('doctor')
    .description('look at what it runs on, and say what is wrong and how to fix it (exits 1 then, 2 with warnings alone)')
    .option('--json', 'the findings as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings = await examine(env);
      if (json) console.log(JSON.stringify({ findings }, null, 2));
      else printFindings(findings, console.log);
      code = exitCodeOf(findings);
    });

  addMaintenanceCommands(program, env, console.log);

  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof InvalidSettings)) throw error;
    // What a person can fix is said in one line, without a stack.
    console.error(`kpay: ${error.message}`);
    code = 1;
  }
  await stopTelemetry();
  return code;
}
