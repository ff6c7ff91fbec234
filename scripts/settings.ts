import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FROM_FILE, settingGroups } from '../packages/runtime/src/settings/environment.ts';

/** Where the reference of the settings is. */
export const REFERENCE: string = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/settings.md');

const INTRODUCTION = `# Settings

Every setting is an environment variable. A blank value counts as unset. A wrong value ends the process with one line that names
the setting and says what would be right. A setting marked with ¹ may stand in a file instead: \`<NAME>_FILE\` holds its path.

This page is made from the schema that reads the settings: \`npm run settings\`.
`;

// Read by libraries, or by undici for the way to KPay, and so in no schema of ours.
const OTHERS = `## Read by others

| setting | default | meaning |
|---|---|---|
| \`HTTPS_PROXY\`, \`HTTP_PROXY\`, \`NO_PROXY\` | | The proxy that leads to KPay, as \`http://user:password@proxy.example:3128\`; lower case too. Nothing else uses it ([deployment.md](deployment.md#behind-a-proxy)). |
| \`OTEL_EXPORTER_OTLP_ENDPOINT\` and other \`OTEL_*\` | | Where traces go, as OpenTelemetry specifies; off without it ([telemetry.md](telemetry.md)). |
`;

/** The reference as Markdown: one table for each group of the schema, with each setting's default and description. */
export function settingsReference(): string {
  const groups = Object.entries(settingGroups).map(([group, settings]) => {
    const rows = Object.entries(settings).map(([name, schema]) => {
      if (schema.description === undefined) throw new Error(`${name} has no description`);
      const given = schema.def.type === 'default' ? schema.def.defaultValue : undefined;
      const shown = given === undefined || given === false || Array.isArray(given) ? '' : `\`${given}\``;
      return `| \`${name}\`${FROM_FILE.includes(name) ? '¹' : ''} | ${shown} | ${schema.description} |`;
    });
    return [`## ${group}`, '', '| setting | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
  });
  return [INTRODUCTION, ...groups, OTHERS].join('\n');
}

// `npm run settings` writes the page.
if (import.meta.main) writeFileSync(REFERENCE, settingsReference());
