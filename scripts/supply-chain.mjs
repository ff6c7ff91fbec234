// Looks at what the project brings with it (`npm run supply-chain`): the licence of each package that is shipped, a
// CycloneDX bill of materials in sbom.cdx.json, and known vulnerabilities. The lock file itself, and that nothing in it
// is younger than minimumReleaseAge in pnpm-workspace.yaml, is checked by pnpm at each install.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// All let an MIT-licensed work be passed on with them.
const LICENCES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'Unlicense'];
const BILL = 'sbom.cdx.json';

const problems = [];
checkLicences();
writeBill();
askForVulnerabilities();
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkLicences() {
  const byLicence = JSON.parse(pnpm('licenses', 'list', '--recursive', '--prod', '--json'));
  const counts = [];
  for (const [licence, packages] of Object.entries(byLicence)) {
    counts.push(`${licence} ${packages.length}`);
    if (LICENCES.includes(licence)) continue;
    const names = packages.map(({ name }) => name).join(', ');
    problems.push(`licence ${licence} of ${names}: not among ${LICENCES.join(', ')}`);
  }
  if (counts.length === 0) problems.push('no package with a licence was found: are the dependencies installed?');
  say(`licences: ${counts.join(', ')}`);
}

function writeBill() {
  pnpm('sbom', '--sbom-format', 'cyclonedx', '--prod', '--out', BILL);
  const { bomFormat, specVersion, components } = JSON.parse(readFileSync(join(root, BILL), 'utf8'));
  const versions = new Map(components.map(({ group, name, version }) => [group ? `${group}/${name}` : name, version]));
  // What money goes through must be in it, in the version that is declared.
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  for (const name of ['bullmq', 'express', 'ioredis', 'pg', 'undici']) {
    const declared = new RegExp(`^  ${name}: (.+)$`, 'm').exec(workspace)?.[1];
    if (versions.get(name) !== declared) problems.push(`${BILL}: ${name} is ${versions.get(name)}, declared is ${declared}`);
  }
  say(`${BILL}: ${bomFormat} ${specVersion}, ${components.length} components`);
}

function askForVulnerabilities() {
  const { status, stdout, stderr } = spawnSync('pnpm', ['audit', '--prod', '--audit-level', 'high'], {
    cwd: root,
    encoding: 'utf8',
  });
  // Mirrors of the registry often do not have the endpoint. That is no answer, and is not passed off as one.
  if (/ERR_PNPM_AUDIT_BAD_RESPONSE|ERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS/.test(stdout + stderr)) {
    say('vulnerabilities: NOT ASKED, this registry has no audit endpoint');
  } else if (status === 0) {
    say('vulnerabilities: none that is high or critical');
  } else {
    problems.push(`vulnerabilities:\n${stdout}${stderr}`);
  }
}

function pnpm(...args) {
  return execFileSync('pnpm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
