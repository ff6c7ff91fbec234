const COMMENT = /^\s*\/\*.*?\*\/\s*/s;
// A table with its schema, with or without quotation marks. A name without a schema is an alias, not a table.
const TABLE = String.raw`"?(\w+)"?\."?(\w+)"?`;
// Neither the lock of a read nor the second half of an upsert.
const CHANGE = new RegExp(String.raw`(?<!\b(?:for|key|do) )\b(insert into|update|delete from)\s+${TABLE}`, 'i');
const READ = new RegExp(String.raw`\bfrom\s+${TABLE}`, 'i');

/**
 * The name of a statement's span: what it does and to which table, such as `INSERT kpay.transfers`. It uses the first
 * table that the statement changes, else the first that it reads; without either, the statement's first word.
 */
export function statementName(text: string): string {
  const statement = text.replace(COMMENT, '');
  const first = /^\w+/.exec(statement)?.[0].toUpperCase() ?? '';
  if (!/^(WITH|SELECT|INSERT|UPDATE|DELETE)$/.test(first)) return first;
  const [, verb = 'SELECT', schema, table] = CHANGE.exec(statement) ?? [];
  if (table !== undefined) return `${verb.split(' ')[0]?.toUpperCase()} ${schema}.${table}`;
  const [, readSchema, readTable] = READ.exec(statement) ?? [];
  return readTable === undefined ? 'SELECT' : `SELECT ${readSchema}.${readTable}`;
}
