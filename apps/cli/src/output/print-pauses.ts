import type { Pause } from '@kpay/admin-client';
import type { Io } from '../framework/io.ts';
import { showTime } from './format.ts';
import type { Column } from './table.ts';

export function pauseColumns(io: Io): readonly Column<Pause>[] {
  return [
    { title: { en: 'ID', fr: 'ID' }, value: ({ id }) => id },
    { title: { en: 'STOPS', fr: 'ARRÊTE' }, value: (pause) => scopeOf(io, pause) },
    {
      title: { en: 'UNTIL', fr: "JUSQU'À" },
      value: ({ until }) => (until === null ? io.text({ en: 'it is lifted', fr: 'sa levée' }) : showTime(until)),
      spare: 1,
    },
    { title: { en: 'BY', fr: 'PAR' }, value: ({ createdBy }) => createdBy, spare: 2 },
    { title: { en: 'WHY', fr: 'POURQUOI' }, value: ({ reason }) => reason, cut: true },
  ];
}

export function scopeOf(io: Io, { scope, account, corridor }: Pause): string {
  if (scope === 'all') return io.text({ en: 'everything', fr: 'tout' });
  return scope === 'account' ? (account ?? '') : `${account} ${corridor}`;
}
