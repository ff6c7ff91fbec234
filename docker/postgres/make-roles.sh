#!/bin/sh
# Makes the role that the apps work with, or gives it its password. PGHOST, PGUSER and PGDATABASE are the owner's; the passwords
# stand in files. Safe at any time: kpay migrate then gives the role its rights.
set -eu
PGPASSWORD="$(cat "$OWNER_PASSWORD_FILE")"
export PGPASSWORD
psql -qX -v ON_ERROR_STOP=1 -v password="$(cat "$APP_PASSWORD_FILE")" <<'SQL'
select 'create role kpay_app login' where not exists (select from pg_roles where rolname = 'kpay_app') \gexec
alter role kpay_app password :'password';
SQL
