import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';

export const command = defineCommand({
  name: 'doctor',
  section: 'system',
  stores: true,
  summary: {
    en: 'look at what the system runs on, and say what is wrong and how to fix it',
    fr: 'examiner ce sur quoi le système tourne, dire ce qui ne va pas et comment le réparer',
  },
  description: {
    en: 'Ends with 0 when nothing is wrong and with 1 when something is. Warnings are told, and end with 1 by --strict only.',
    fr: 'Finit par 0 si rien ne va mal, par 1 sinon. Les avertissements sont dits, et ne finissent par 1 qu’avec --strict.',
  },
  options: {
    strict: { type: 'flag', summary: { en: 'end with 1 on warnings too', fr: 'finir par 1 aussi pour un avertissement' } },
  },
  json: { en: '{"findings": [{check, verdict, what, fix}]}', fr: '{"findings": [{check, verdict, what, fix}]}' },
  async run({ options: { strict }, cli }) {
    const { onStores } = await import('../stores/on-stores.ts');
    const { examine } = await import('../stores/doctor/doctor.ts');
    const { exitCodeOf } = await import('../stores/doctor/finding.ts');
    const { printFindings } = await import('../stores/doctor/print-findings.ts');
    const findings = await onStores(() => examine(cli.env));
    if (cli.format === 'json') await cli.io.write(`${JSON.stringify({ findings }, null, 2)}\n`);
    else printFindings(findings, (line) => void cli.io.print(line));
    return exitCodeOf(findings, { strict }) === 0 ? exitCodes.done : exitCodes.failed;
  },
});
