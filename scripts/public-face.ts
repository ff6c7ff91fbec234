import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API, type Checker, type Symbol as Named, type Project, SymbolFlags } from 'typescript/unstable/sync';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A name that a user of a package sees: an export, or a member of one. */
export interface FaceName {
  /** Such as `Money.currency`. */
  name: string;
  /** `packages/core/src/money/money.ts`, where it is declared. */
  file: string;
  /** What an editor shows; empty when there is no doc comment. */
  hover: string;
}

/** Every exported name of a package's entry points, with the members of its types, as an editor sees them. */
export function readPublicFace(packageFolder: string): FaceName[] {
  const folder = join(root, packageFolder);
  const config = join(folder, 'tsconfig.json');
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (!project) throw new Error(`no project at ${config}`);
    const found = new Map<string, FaceName>();
    for (const entry of entryPoints(folder)) readEntry(project, entry, found);
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    api.close();
  }
}

/** The sources that package.json exports. */
function entryPoints(folder: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
  return Object.values(exports).flatMap((entry) => {
    const source = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)['@kpay/source'] : undefined;
    const path = typeof source === 'string' ? join(folder, source) : '';
    return path !== '' && existsSync(path) ? [path] : [];
  });
}

function readEntry(project: Project, entry: string, found: Map<string, FaceName>): void {
  const { checker, program } = project;
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${entry} exports nothing`);
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    add(found, exported.name, symbol, checker);
    for (const member of membersOf(symbol, checker)) add(found, `${exported.name}.${member.name}`, member, checker);
  }
}

/** The members that an editor offers after a dot: of a type, and of the instances and statics of a class. */
function membersOf(symbol: Named, checker: Checker): Named[] {
  if (!(symbol.flags & (SymbolFlags.Interface | SymbolFlags.Class | SymbolFlags.TypeAlias))) return [];
  const statics = symbol.flags & SymbolFlags.Class ? [...symbol.getExports().values()] : [];
  const declared = checker.getDeclaredTypeOfSymbol(symbol);
  const parts = partsOf(declared).flatMap((type) => [...checker.getPropertiesOfType(type)]);
  return [...parts, ...statics].filter((member) => /^(packages|apps)\//.test(fileOf(member) ?? '') && !isHidden(member, checker));
}

/** A union's own members are only those that all of its parts have: each part is looked at. */
function partsOf(type: ReturnType<Checker['getDeclaredTypeOfSymbol']>): (typeof type)[] {
  return type.isUnionType() ? type.getTypes().flatMap(partsOf) : [type];
}

function isHidden(symbol: Named, checker: Checker): boolean {
  const isPrivate = symbol.name.startsWith('#') || symbol.name.startsWith('__') || symbol.name === 'prototype';
  return isPrivate || checker.getJsDocTagsOfSymbol(symbol).some(({ name }) => name === 'internal' || name === 'private');
}

function add(found: Map<string, FaceName>, name: string, symbol: Named, checker: Checker): void {
  const deprecated = checker.getJsDocTagsOfSymbol(symbol).find((tag) => tag.name === 'deprecated');
  const hover = checker.getDocumentationCommentOfSymbol(symbol) || (deprecated ? 'deprecated' : '');
  const known = found.get(name);
  if (!known || known.hover === '') found.set(name, { name, file: fileOf(symbol) ?? '', hover });
}

function fileOf(symbol: Named): string | undefined {
  const path = symbol.declarations[0]?.path;
  return path === undefined ? undefined : relative(root, path);
}
