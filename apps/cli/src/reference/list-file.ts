import type { FoundCommand } from './all-commands.ts';

/** The list by which kpay finds its commands without loading them. */
export function listFile(name: string, found: readonly FoundCommand[]): string {
  const items = found.map(({ file, command: { name: words, section, summary } }) => {
    const { en, fr } = summary;
    return `  {
    name: ${JSON.stringify(words)},
    section: ${JSON.stringify(section)},
    summary: { en: ${JSON.stringify(en)}, fr: ${JSON.stringify(fr)} },
    load: () => import('../commands/${file}'),
  },`;
  });
  return `// Made from the files in src/commands. Do not edit: run npm run kpay:reference.
import type { ListedCommand } from '../framework/command.ts';

export const ${name}: readonly ListedCommand[] = [
${items.join('\n')}
];
`;
}
