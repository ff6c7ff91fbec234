import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The variable with the folder in which apps' logs are kept, so that they can be searched at the end; set by
// vitest-logs.ts.
const FOLDER = 'KPAY_TEST_LOGS';
const SECRETS = 'secrets.json-lines';
let streams = 0;

/**
 * Keeps a log until the end of the test run, when all logs are searched for secrets. It is a destination for
 * `createLogger`, and for the standard error of a process. Outside a test run it keeps nothing.
 */
export function keepLog(name: string): { write(text: string): void } {
  streams += 1;
  const file = `${name}-${process.pid}-${streams}.log`;
  return {
    write(text) {
      const folder = process.env[FOLDER];
      // The folder is removed when the run has ended.
      if (folder !== undefined && existsSync(folder)) appendFileSync(join(folder, file), text);
    },
  };
}

/** Makes the final search look for this text too: a secret that cannot be recognised by its shape. */
export function rememberSecret<Secret extends string>(secret: Secret): Secret {
  const folder = process.env[FOLDER];
  if (folder !== undefined && existsSync(folder)) appendFileSync(join(folder, SECRETS), `${JSON.stringify(secret)}\n`);
  return secret;
}

/** The shapes that must not occur in a log. Phone numbers are those of KPay's twelve countries. */
const SHAPES: readonly [what: string, shape: RegExp][] = [
  ['a signed token', /\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/],
  ['a KPay key', /\bkpay_(?:test|live)_[\w-]+/],
  ['a KPay secret key', /\bsk_(?:test|live)_[\w-]+|(?<![\w-])[0-9a-f]{64}(?![\w-])/i],
  ['a stream token', /\bkpst_[\w-]{43,}/],
  ['a key of the admin API', /\bkops_[0-9A-Za-z]{10}_[0-9A-Za-z]{8,}/],
  ['a credential of a header', /\b(?:Bearer|Basic) +(?!realm|\[redacted\])[\w+/=.~-]{8,}/i],
  ['a password in an address', /:\/\/[^\s:/@"]*:(?!\[redacted\])[^\s@"/]+@/],
  ['a phone number', /(?<![\w.-])\+?(?:229|237|225|243|241|254|242|250|221|232|256|260)(?:[ -]?\d){8,10}(?![\w-]|\.\d)/],
];

export interface SearchedLogs {
  lines: number;
  /** Where a secret was found, a sentence each, without the secret. */
  found: string[];
}

/** Searches the logs of a run. */
export function searchLogs(folder: string): SearchedLogs {
  const secrets = new Set(
    existsSync(join(folder, SECRETS)) ? linesOf(join(folder, SECRETS)).map((line) => String(JSON.parse(line))) : [],
  );
  const found: string[] = [];
  let lines = 0;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.log'))) {
    linesOf(join(folder, file)).forEach((line, index) => {
      lines += 1;
      const told = [
        ...SHAPES.filter(([, shape]) => shape.test(line)).map(([what]) => what),
        ...([...secrets].some((secret) => line.includes(secret)) ? ['a secret of the tests'] : []),
      ];
      for (const what of told) found.push(`${file}:${index + 1} has ${what}, in the message "${messageOf(line)}"`);
    });
  }
  return { lines, found };
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Enough to find the line in the source. The rest may be the secret. */
function messageOf(line: string): string {
  return (/"msg":"([^"]*)"/.exec(line)?.[1] ?? line).slice(0, 40);
}
