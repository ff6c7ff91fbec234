import { grantWorkingRights, readSchemaState } from '@kpay/ledger';
import { createLogger, openPostgres, readSettings, StartError, secretsOf } from '@kpay/runtime';
import { type LedgerSchema, migrateLedger } from '@kpay/transfers';

/**
 * Brings the ledger's schema up to date with the role of DATABASE_URL, and gives another role the working rights.
 *
 * @returns the migrations that were done.
 * @throws StartError when this is not production (embedded migrates by itself), or the role to grant to does not exist.
 * @throws LedgerUnusable
 */
export async function migrate(env: NodeJS.ProcessEnv, grantTo: string | undefined): Promise<string[]> {
  const settings = readSettings(env);
  if (settings.mode !== 'production') {
    throw new StartError('kpay migrate needs DATABASE_URL and REDIS_URL: an embedded ledger is brought up to date at its start');
  }
  const logger = createLogger({ name: 'kpay', level: 'error', secrets: secretsOf(settings) });
  let done: string[] = [];
  const database = await openPostgres({
    url: settings.databaseUrl,
    logger,
    prepare: async (each) => {
      const db = each.kysely<LedgerSchema>();
      done = (await readSchemaState(db)).missing;
      await migrateLedger(db);
    },
  });
  try {
    if (grantTo !== undefined) await grantWorkingRights(database.kysely<LedgerSchema>(), grantTo).catch(namingRole(grantTo));
  } finally {
    await database.close();
  }
  return done;
}

const UNDEFINED_ROLE = '42704';

function namingRole(role: string): (error: unknown) => never {
  return (error) => {
    if (Object(error).code !== UNDEFINED_ROLE) throw error;
    throw new StartError(`there is no role ${role} in this Postgres: create it first, without rights of its own`, {
      cause: error,
      fix: `psql "$DATABASE_URL" -c "create role ${role} login password '…'"`,
    });
  };
}
