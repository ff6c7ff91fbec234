import { type messages, type PGlite, parse, protocol } from '@electric-sql/pglite';
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';

const { serialize } = protocol;

interface Statement {
  name: string;
  /** The types of its parameters. */
  types: readonly number[];
  /** The description of its rows; undefined when it returns none. */
  rows: messages.RowDescriptionMessage | undefined;
}

/**
 * A dialect over one PGlite that plans each statement once. PGlite's own query() parses and plans it every time, in six turns of
 * the protocol; here a statement that came before takes one, and BEGIN rides along with the first of a transaction.
 */
export function preparedDialect(pglite: PGlite): PostgresDialect {
  const prepared = new Map<string, Statement>();
  // A statement with a value in its text is used only once, so it is not kept.
  const seen = new Set(['begin', 'commit', 'rollback']);
  born += 1;
  const prefix = `kept-${born}`;

  async function prepare(text: string): Promise<Statement> {
    const known = prepared.get(text);
    if (known) return known;
    const name = seen.has(text) ? `${prefix}-${prepared.size + 1}` : '';
    seen.add(text);
    const answers = await exchange(pglite, [
      serialize.parse({ name, text }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    ]);
    const rows = answers.find((answer): answer is messages.RowDescriptionMessage => answer.name === 'rowDescription');
    const statement = { name, types: parse.parseDescribeStatementResults(answers), rows };
    if (name !== '') prepared.set(text, statement);
    return statement;
  }

  /** The statement's messages, to be followed by those of others or by a sync. */
  async function run(text: string, values: readonly unknown[]): Promise<{ sent: Uint8Array[]; statement: Statement }> {
    const statement = await prepare(text);
    const written = values.map((value, index) => {
      if (value === null || value === undefined) return null;
      const serializer = pglite.serializers[statement.types[index] ?? 0];
      return serializer ? serializer(value) : String(value);
    });
    return { sent: [serialize.bind({ statement: statement.name, values: written }), serialize.execute()], statement };
  }

  // BEGIN was requested but not sent yet.
  let beginning: Uint8Array[] = [];
  async function query(text: string, values: readonly unknown[] = []) {
    if (text === 'begin') {
      beginning = (await run(text, [])).sent;
      return { command: 'BEGIN', rowCount: 0, rows: [] };
    }
    const { sent, statement } = await run(text, values);
    const first = beginning;
    beginning = [];
    const answers = await exchange(pglite, [...first, ...sent, serialize.sync()]);
    const own = answers.slice(answers.findLastIndex(({ name }) => name === 'bindComplete'));
    const [result] = parse.parseResults([...(statement.rows ? [statement.rows] : []), ...own], pglite.parsers);
    return { command: result?.command, rowCount: result?.rowCount ?? 0, rows: result?.rows ?? [] };
  }

  // There is one session; each user waits for the present one.
  let last: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  const client: PostgresPoolClient = { query: query as unknown as PostgresPoolClient['query'], release: () => release() };
  const pool: PostgresPool = {
    options: {},
    async connect() {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      release = resolve;
      return client;
    },
    end: () => pglite.close(),
  };
  return new PostgresDialect({ pool });
}

/** Shared in this process: a PGlite that serves several ledgers in turn keeps the statements of each. */
let born = 0;

async function exchange(pglite: PGlite, sent: readonly Uint8Array[]): Promise<messages.BackendMessage[]> {
  const all = new Uint8Array(sent.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of sent) {
    all.set(part, at);
    at += part.length;
  }
  return pglite.execProtocolStream(all, { syncToFs: false });
}
