import { checkLine, type Line } from '@kpay/admin-api/batch-lines';
import type { Money } from '@kpay/core/money';
import { createSeenIds } from './seen-ids.ts';

/** A line that is not imported: which field is wrong (`body` is the line as a whole), and why. */
export interface BadLine {
  kind: 'bad';
  line: number;
  field: string;
  reason: string;
}

/** A line that can become a transfer. */
export interface GoodLine {
  kind: 'good';
  line: number;
  /** The transfer as the API takes it, but for the id of a line that has none. */
  order: Readonly<Record<string, unknown>>;
  /** It has neither an externalId nor an idempotencyKey. */
  needsId: boolean;
  account: string;
  corridor: string;
  amount: Money;
}

/**
 * Judges each line by itself, as the API does, and refuses an id that an earlier line has: each line becomes one transfer.
 *
 * @param account that of lines which name none.
 */
export async function* judgeLines(
  lines: AsyncIterable<Line>,
  { account }: { account?: string | undefined },
): AsyncGenerator<GoodLine | BadLine, void> {
  const seen = createSeenIds();
  for await (const line of lines) {
    const whole = account === undefined ? line : withAccount(line, account);
    const checked = checkLine(whole);
    if (checked.kind === 'refused') {
      yield { kind: 'bad', line: line.line, field: checked.field, reason: checked.problem };
      continue;
    }
    const { request, idempotencyKey } = checked;
    const { externalId, sourceCountry, destinationCountry, amount } = request;
    const ids = [
      ...(externalId === null ? [] : [{ field: 'externalId', id: `externalId ${checked.account} ${externalId}` }]),
      ...(idempotencyKey === undefined ? [] : [{ field: 'idempotencyKey', id: `idempotencyKey ${idempotencyKey}` }]),
    ];
    const twice = ids.flatMap(({ field, id }) => {
      const earlier = seen.add(id, line.line);
      return earlier === undefined ? [] : [{ field, earlier }];
    })[0];
    yield twice
      ? { kind: 'bad', line: line.line, field: twice.field, reason: `is that of line ${twice.earlier} too` }
      : {
          kind: 'good',
          line: line.line,
          order: (whole as { value: Record<string, unknown> }).value,
          needsId: ids.length === 0,
          account: checked.account,
          corridor: `${sourceCountry}-${destinationCountry}`,
          amount,
        };
  }
}

function withAccount(line: Line, account: string): Line {
  if (line.kind === 'unreadable' || typeof line.value !== 'object' || line.value === null || Array.isArray(line.value))
    return line;
  return { ...line, value: { account, ...line.value } };
}

/** The externalId of a line that has none: the same for the same file, wherever and however often it is imported. */
export function derivedId(sha256: string, line: number | string): string {
  return `import-${sha256.slice(0, 32)}-${line}`;
}
