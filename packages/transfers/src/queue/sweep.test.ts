import { expect, it } from 'vitest';
import { transferRow } from '../../test/transfer-row.ts';
import { rankFairly } from './sweep.ts';

const now = new Date('2026-11-28T12:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);

function due(id: string, priority: number, seconds: number, more: { owner?: string; destination_country?: string } = {}) {
  return { ...transferRow(), id, priority, created_at: ago(seconds), due_at: ago(seconds), ...more };
}

const order = (rows: ReturnType<typeof due>[]) => rankFairly(rows, now).map(({ id }) => id);

it('takes the more urgent first, then the older', () => {
  expect(order([due('young', 5, 1), due('urgent', 7, 0), due('old', 5, 2)])).toEqual(['urgent', 'old', 'young']);
});

it('lets callers and corridors of one priority take turns', () => {
  const backlog = [1, 2, 3].map((n) => due(`many-${n}`, 5, 10 - n));
  const rows = [...backlog, due('corridor', 5, 1, { destination_country: 'GAB' }), due('caller', 5, 2, { owner: 'other' })];
  expect(order(rows)).toEqual(['many-1', 'caller', 'corridor', 'many-2', 'many-3']);
});

it('lets whoever waited long enough take turns with the most urgent', () => {
  const backlog = [1, 2, 3].map((n) => due(`urgent-${n}`, 9, 600 - n));
  expect(order([...backlog, due('patient', 0, 28, { owner: 'other' }), due('new', 0, 1, { owner: 'third' })])).toEqual([
    'urgent-1',
    'patient',
    'urgent-2',
    'urgent-3',
    'new',
  ]);
});
