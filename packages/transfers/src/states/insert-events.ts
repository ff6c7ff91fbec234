import { type RawBuilder, sql } from 'kysely';
import type { EventType } from './reasons.ts';

/** The columns of an event, as SQL over a row of `from`. Absent ones are null. */
export interface InsertedEvent {
  type: RawBuilder<unknown> | EventType;
  fromState?: RawBuilder<unknown>;
  toState: RawBuilder<unknown>;
  reasonCode?: RawBuilder<unknown>;
  reason?: RawBuilder<unknown>;
  actor: RawBuilder<unknown>;
  keyId?: RawBuilder<unknown>;
  detail?: RawBuilder<unknown>;
  at: RawBuilder<unknown>;
}

const NO_TEXT = sql`null::text`;

/**
 * The part of a statement that writes one event for each row of `from`, which has the columns `id` and `version` of the
 * changed transfers. Every event is written by this.
 */
export function insertEvents(from: RawBuilder<unknown>, event: InsertedEvent): RawBuilder<unknown> {
  const { type, fromState = NO_TEXT, toState, reasonCode = NO_TEXT, reason = NO_TEXT, actor, keyId = NO_TEXT, at } = event;
  const { detail = sql`null::jsonb` } = event;
  return sql`
      insert into kpay.transfer_events
        (transfer_id, version, type, from_state, to_state, reason_code, reason, actor, key_id, detail, at)
      select id, version, ${typeof type === 'string' ? sql.lit(type) : type}, ${fromState}, ${toState}, ${reasonCode}, ${reason},
        ${actor}, ${keyId}, ${detail}, ${at}
      from ${from}`;
}
