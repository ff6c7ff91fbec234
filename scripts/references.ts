import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A place that names a law, decision, file, link or anchor that does not exist. */
export interface BrokenReference {
  file: string;
  line: number;
  /** What the place names, as it is written there. */
  names: string;
  because: string;
}

// Names of files in prose. Names in import statements are checked by the compiler, and strings in code name whatever they like.
const FILE_NAME = /(?<![\w@./:*-])((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|sh|md))(?![\w-]*\/|\w)/g;
const LAWS = /\blaws? \d+(?:(?:, | and |, and )\d+)*/gi;
const DECISION = /\bdecisions?(?:\/| )(\d{4})\b/gi;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const COMMENT = /^\s*(?:\/\/|\/?\*|#(?!!))|\s\/\/\s/;
// History names files as they were called then.
const HISTORY = new Set(['CHANGELOG.md']);
// Names that documents use for files of the reader.
const OF_THE_READER = new Set(['my-plugin.ts', 'my-check.ts', 'my-check.test.ts']);

/**
 * Finds what code, comments and documents name and the repository does not have: laws, decisions, files, links and their anchors.
 * @param root the folder of the repository. Only files that git knows are read.
 */
export function findBrokenReferences(root: string): BrokenReference[] {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    // A file that was deleted and not committed yet is still in git's index.
    .filter((file) => file !== '' && existsSync(join(root, file)));
  const texts = new Map<string, string>();
  const read = (file: string) => {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    texts.set(file, text);
    return text;
  };
  const known = new Set(files);
  const folders = new Set(files.flatMap((file) => foldersOf(file)));
  // By its last part, each file that a shorter name could mean.
  const byName = Map.groupBy(files, (file) => file.slice(file.lastIndexOf('/') + 1));
  const laws = new Set(
    known.has('docs/laws.md') ? [...read('docs/laws.md').matchAll(/^## Law (\d+):/gm)].map(([, law]) => law) : [],
  );
  const decisions = new Set(files.flatMap((file) => /^docs\/decisions\/(\d{4})-/.exec(file)?.[1] ?? []));
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (file: string) => {
    const found = anchors.get(file) ?? headingAnchors(read(file));
    anchors.set(file, found);
    return found;
  };
  const broken: BrokenReference[] = [];

  for (const file of files.filter((name) => /\.(?:ts|mjs|sh|md|ya?ml)$/.test(name) && name !== 'pnpm-lock.yaml')) {
    const isDocument = file.endsWith('.md');
    for (const [index, line] of read(file).split('\n').entries()) {
      if (!isDocument && !COMMENT.test(line)) continue;
      const report = (names: string, because: string) => broken.push({ file, line: index + 1, names, because });
      for (const [names] of line.matchAll(LAWS)) {
        if (!(names.match(/\d+/g) ?? []).every((law) => laws.has(law))) report(names, 'docs/laws.md has no such law');
      }
      for (const [names, decision] of line.matchAll(DECISION)) {
        if (decision && !decisions.has(decision)) report(names, 'docs/decisions has no such record');
      }
      if (isDocument) {
        for (const [, target] of line.matchAll(LINK)) {
          if (!target || /^[a-z]+:/i.test(target)) continue;
          const [path = '', anchor] = target.split('#');
          const linked = path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, '');
          if (!known.has(linked) && !folders.has(linked)) report(target, 'the link leads nowhere');
          else if (anchor && linked.endsWith('.md') && !anchorsOf(linked).has(anchor))
            report(target, 'no heading has this anchor');
        }
      }
      if (HISTORY.has(file)) continue;
      for (const [, name] of withoutLinks(line).matchAll(FILE_NAME)) {
        if (!name || OF_THE_READER.has(name.replace(/^\.\//, '')) || /(?:^|\/)(?:dist|node_modules)\//.test(name)) continue;
        const path = name.replace(/^(?:\.\.?\/)+/, '');
        const meant = byName.get(path.slice(path.lastIndexOf('/') + 1)) ?? [];
        if (!meant.some((each) => each === path || each.endsWith(`/${path}`))) report(name, 'no file has this name');
      }
    }
  }
  return broken;
}

function foldersOf(file: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) folders.push(folder);
  return [...folders, '.'];
}

/** The anchors that a page of GitHub gives its headings. */
function headingAnchors(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .trim()
        .toLowerCase()
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links are checked by their target alone. */
function withoutLinks(line: string): string {
  return line.replaceAll(/\]\([^)]*\)/g, ']').replaceAll(/https?:\/\/\S+/g, '');
}
