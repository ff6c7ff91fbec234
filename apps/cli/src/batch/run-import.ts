import { setFlagsFromString } from 'node:v8';
import { NoAnswerError, ProblemError, UnreadableAnswerError } from '@kpay/admin-client';
import { announce, confirm } from '../api/announce.ts';
import { failureOf } from '../api/failure-of.ts';
import type { Cli } from '../framework/command.ts';
import { type ExitCode, exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';
import type { Io } from '../framework/io.ts';
import { showNumber } from '../output/format.ts';
import { type Imported, importLines } from './import-lines.ts';
import { type Journal, openJournal } from './journal.ts';
import { type BadLine, derivedId, judgeLines } from './judge-lines.ts';
import { type Input, openInput } from './open-input.ts';
import { createPreview, type Preview } from './preview.ts';
import { readLines } from './read-lines.ts';
import { openReport, printPreview, progressBar, type Report } from './report.ts';
import { sendChunk } from './send-chunk.ts';

export interface ImportRequest {
  file: string;
  account: string | undefined;
  yes: boolean;
  dryRun: boolean;
}

/** Bad lines that the preview shows before anything is sent; all are listed in the end. */
const SHOWN_BAD = 10;
/** Bad lines are written in pages. */
const PAGE = 200;
/** Lines between two looks at the progress. */
const EVERY = 10_000;

/** Shows what a file would do, asks, and does it. @throws Failure with the code and the sentence for what went wrong. */
export async function runImport(cli: Cli, request: ImportRequest): Promise<ExitCode> {
  keepHeapSmall();
  const input = await openInput(request.file);
  try {
    return request.dryRun ? await dryRun(cli, input, request) : await importFile(cli, input, request);
  } finally {
    await input.close();
  }
}

/**
 * A file of a million lines makes 10 GB of short-lived objects. Left alone, V8 lets them fill 200 MB before it looks; like this a
 * preview stays under 150 MB, at the price of a few seconds.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}

async function dryRun(cli: Cli, input: Input, request: ImportRequest): Promise<ExitCode> {
  const report = openReport(cli);
  let page: BadLine[] = [];
  const { preview, sha256 } = await lookThrough(cli, input, request, async (bad) => {
    page.push(bad);
    if (page.length < PAGE) return;
    await report.refused(page);
    page = [];
  }).catch((error: unknown) => endedEarly(cli, report, error));
  if (page.length > 0) await report.refused(page);
  if (cli.format === 'people') await printPreview(cli.io, preview, sha256, []);
  await report.end({ complete: true, dryRun: true, ...figuresOf(input, sha256, preview) });
  return codeOf({ answered: preview.good, refused: preview.bad });
}

/** What was begun in JSON is closed, so that its reader can say what is wrong with it. */
async function endedEarly({ format }: Cli, report: Report, error: unknown): Promise<never> {
  if (format === 'json' && report.hasBegun()) await report.end({ complete: false });
  throw error;
}

async function importFile(cli: Cli, input: Input, request: ImportRequest): Promise<ExitCode> {
  const { io } = cli;
  const connection = await cli.connect();
  const firstBad: BadLine[] = [];
  const { preview, sha256, accounts } = await lookThrough(cli, input, request, async (bad) => {
    if (firstBad.length < SHOWN_BAD) firstBad.push(bad);
  });
  const [account] = accounts;
  const environment = await announce(cli, connection, accounts.size === 1 && account !== undefined ? account : null);
  await printPreview(onStandardError(io), preview, sha256, firstBad);
  const { url, api } = connection;
  const journal = await openJournal(input.path, { sha256, url, account: request.account ?? null });
  try {
    const count = showNumber(String(preview.good), io.language);
    if (preview.good > 0) {
      await confirm(cli, environment, request.yes, {
        en: `Make these ${count} transfers?`,
        fr: `Faire ces ${count} transferts ?`,
      });
    }
    const report = openReport(cli);
    const imported: Imported = { answered: 0, accepted: 0, before: 0, refused: 0 };
    await importLines(judgeLines(readLines(input), request), imported, {
      sha256,
      journal,
      send: (lines) =>
        sendChunk(lines, { api, signal: cli.signal, onRetry: (error, afterMs) => io.progress(retryLine(io, error, afterMs)) }),
      onRefused: (lines) => report.refused(lines),
      onProgress: ({ answered }) => io.progress(progressBar(io, answered, preview.good)),
    }).catch(async (error: unknown) => {
      await report.end({ complete: false, dryRun: false, ...figuresOf(input, sha256, preview), ...resultOf(imported) });
      throw stopped(cli, error, { imported, preview, journal });
    });
    io.progress('');
    if (cli.format === 'people') await io.print(summary(io, imported));
    await report.end({ complete: true, dryRun: false, ...figuresOf(input, sha256, preview), ...resultOf(imported) });
    return codeOf({ answered: imported.accepted + imported.before, refused: imported.refused });
  } finally {
    await journal.close();
  }
}

/** Reads the file once: its digest, and what its lines would do. */
async function lookThrough(
  { io, signal }: Cli,
  input: Input,
  { account }: ImportRequest,
  onBad: (line: BadLine) => Promise<void>,
): Promise<{ preview: Preview; sha256: string; accounts: ReadonlySet<string> }> {
  const preview = createPreview();
  const accounts = new Set<string>();
  let count = 0;
  for await (const line of judgeLines(readLines(input), { account })) {
    preview.add(line);
    if (line.kind === 'bad') await onBad(line);
    // Only whether there is more than one is asked for.
    else if (accounts.size < 2) accounts.add(line.account);
    count += 1;
    if (count % EVERY > 0) continue;
    signal.throwIfAborted();
    io.progress(
      io.text({
        en: `reading: ${showNumber(String(count), 'en')} lines …`,
        fr: `lecture : ${showNumber(String(count), 'fr')} lignes …`,
      }),
    );
  }
  io.progress('');
  return { preview: preview.result(), sha256: input.sha256() ?? '', accounts };
}

function figuresOf(input: Input, sha256: string, { good, bad, totals, derived }: Preview) {
  return {
    file: input.path,
    sha256,
    lines: { good, bad },
    totals,
    derivedIds: { lines: derived.lines, pattern: derivedId(sha256, '<line>') },
  };
}

function resultOf({ accepted, before, refused }: Imported) {
  return { result: { accepted, acceptedBefore: before, refused } };
}

/** 0 when every line is a transfer, 8 when some are, 5 when none is. */
function codeOf({ answered, refused }: { answered: number; refused: number }): ExitCode {
  if (refused === 0) return exitCodes.done;
  return answered > 0 ? exitCodes.partly : exitCodes.refused;
}

function summary(io: Io, { accepted, before, refused }: Imported): string {
  const [made, there, not] = [accepted, before, refused].map((count) => showNumber(String(count), io.language));
  return io.text({
    en: `${made} transfers made, ${there} were there already, ${not} lines are not imported`,
    fr: `${made} transferts faits, ${there} existaient déjà, ${not} lignes ne sont pas importées`,
  });
}

function retryLine(io: Io, error: unknown, afterMs: number): string {
  const why = error instanceof ProblemError ? error.problem.code : error instanceof Error ? error.message : String(error);
  const seconds = (afterMs / 1_000).toFixed(1);
  return io.text({ en: `${why}; again in ${seconds} s …`, fr: `${why} ; nouvel essai dans ${seconds} s …` });
}

/** What an import that did not come to its end ends with. To run it again is always right. */
function stopped(
  { io, signal }: Cli,
  error: unknown,
  { imported, preview, journal }: { imported: Imported; preview: Preview; journal: Journal },
): unknown {
  const done = imported.accepted + imported.before;
  const [some, all] = [done, preview.good].map((count) => showNumber(String(count), io.language));
  const again = {
    en: `${some} of ${all} lines are transfers; run the same command again to go on: each line is made once`,
    fr: `${some} lignes sur ${all} sont des transferts ; relancez la même commande pour continuer : chaque ligne est faite une fois`,
  };
  if (signal.aborted) {
    io.tell(io.text(again));
    return signal.reason;
  }
  const isOfClient = [ProblemError, NoAnswerError, UnreadableAnswerError].some((kind) => error instanceof kind);
  const failure = error instanceof Failure ? error : isOfClient ? failureOf(error, { writes: true, money: true }) : undefined;
  if (!failure) return error;
  // Of those that were sent before, it would not be true that nothing was.
  const code = done > 0 && promisesNothing.has(failure.code) ? exitCodes.partly : failure.code;
  return new Failure(
    code,
    {
      en: `${failure.text.en}. ${again.en} (${journal.path} remembers them)`,
      fr: `${failure.text.fr}. ${again.fr} (${journal.path} les garde)`,
    },
    { cause: error },
  );
}

const promisesNothing: ReadonlySet<ExitCode> = new Set([exitCodes.failed, exitCodes.unreachable]);

/** The preview of an import is for the person who is asked; standard output is for what became of the lines. */
function onStandardError(io: Io): Io {
  return {
    ...io,
    width: process.stderr.isTTY === true ? process.stderr.columns || 80 : undefined,
    print: async (line) => io.tell(line),
    style: io.styleError,
  };
}
