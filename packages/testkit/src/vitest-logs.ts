import { searchLogs } from './kept-logs.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** vitest's global setup: keeps the logs of apps during the tests, and fails the run when they contain a secret. */
export default function setup(): () => void {
  const folder = temporaryFolder();
  process.env.KPAY_TEST_LOGS = folder.path;
  return () => {
    delete process.env.KPAY_TEST_LOGS;
    const { lines, found } = searchLogs(folder.path);
    folder.remove();
    process.stdout.write(`${lines} lines of logs were searched for secrets, tokens and phone numbers\n`);
    if (found.length > 0) throw new Error(`secrets were logged:\n${found.join('\n')}`);
  };
}
