const COMMENT = /^\s*\/\*.*?\*\/\s*/s;
// With or without quotation marks, and only of a schema: what a statement calls its own parts by is no table.
const TABLE = String.raw`"?(\w+)"?\."?(\w+)"?`;
// Not the locks of a read, nor the other half of an upsert.
const CHANGE = new RegExp(String.raw`(?<!\b(?:for|key|do) )\b(insert into|update|delete from)\s+${TABLE}`, 'i');
const READ = new RegExp(String.raw`\bfrom\s+${TABLE}`, 'i');

/**
 * What a statement does and to which table, such as `INSERT kpay.transfers`: the name of its span. The first table that it
 * changes, else the first that it reads; its first word when there is neither.
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
