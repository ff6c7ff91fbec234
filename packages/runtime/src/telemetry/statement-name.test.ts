import { expect, it } from 'vitest';
import { statementName } from './statement-name.ts';

it.each([
  ['insert into "kpay"."api_keys" ("id") values ($1) returning *', 'INSERT kpay.api_keys'],
  ['select * from "kpay"."transfers" where "id" = $1 for update', 'SELECT kpay.transfers'],
  ['select from kpay.api_keys where id = $1 for no key update', 'SELECT kpay.api_keys'],
  ['update "kpay"."transfers" set "state" = $1', 'UPDATE kpay.transfers'],
  ['delete from kpay.pauses where id = $1', 'DELETE kpay.pauses'],
  [
    '/* prepared */\n with moment as (select 1 as at), moved as (update kpay.transfers set state = $1 returning id) insert into kpay.transfer_events select id from moved',
    'UPDATE kpay.transfers',
  ],
  ['insert into kpay.ledger (id) values (1) on conflict (id) do update set epoch = 2', 'INSERT kpay.ledger'],
  ['begin; select clock_timestamp() as at', 'BEGIN'],
  ['commit', 'COMMIT'],
  ['select clock_timestamp() as at', 'SELECT'],
  ['with names as (select 1) select * from names', 'SELECT'],
  ['', ''],
])('%s: %s', (text, name) => {
  expect(statementName(text)).toBe(name);
});
