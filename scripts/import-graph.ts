import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** What a folder of sources imports, with every folder and every loose file directly in it as one node. */
export interface ImportGraph {
  nodes: string[];
  /** For each node the nodes that it imports from, and one import that shows it. */
  edges: Map<string, Map<string, string>>;
}

const IMPORT = /^(?:import|export)\b[^;'"]*?from\s+'(\.[^']+)'/gm;

/** Reads the imports between the nodes of `src`. Tests do not count. */
export function readImportGraph(src: string): ImportGraph {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
  const nodeOf = (file: string) => file.split(sep)[0] ?? file;
  const edges = new Map<string, Map<string, string>>(files.map((file) => [nodeOf(file), new Map()]));
  for (const file of files) {
    for (const [, target = ''] of readFileSync(join(src, file), 'utf8').matchAll(IMPORT)) {
      const imported = relative(src, join(src, dirname(file), target));
      if (nodeOf(imported) !== nodeOf(file)) edges.get(nodeOf(file))?.set(nodeOf(imported), `${file} imports ${imported}`);
    }
  }
  return { nodes: [...edges.keys()], edges };
}

/**
 * Sorts the nodes into layers: each imports from lower layers only.
 * @returns the layers from the top, and the imports of the nodes that are in a cycle or above one.
 */
export function layersOf({ nodes, edges }: ImportGraph): { layers: string[][]; cyclic: string[] } {
  const left = new Set(nodes);
  const layers: string[][] = [];
  while (left.size > 0) {
    const layer = [...left].filter((node) => [...(edges.get(node)?.keys() ?? [])].every((imported) => !left.has(imported)));
    if (layer.length === 0) break;
    layers.unshift(layer);
    for (const node of layer) left.delete(node);
  }
  const cyclic = [...left].flatMap((node) =>
    [...(edges.get(node) ?? [])].flatMap(([to, shown]) => (left.has(to) ? [shown] : [])),
  );
  return { layers, cyclic };
}

// `node scripts/import-graph.ts` prints the layers of every package.
if (import.meta.main) {
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(group).sort()) {
      const graph = readImportGraph(join(group, name, 'src'));
      const { layers, cyclic } = layersOf(graph);
      const lines = [`${group}/${name}: ${graph.nodes.length} nodes`, ...layers.map((layer) => `  ${layer.join('  ')}`)];
      if (cyclic.length > 0) lines.push('  in a cycle:', ...cyclic.map((line) => `    ${line}`));
      process.stdout.write(`${lines.join('\n')}\n`);
    }
  }
}
