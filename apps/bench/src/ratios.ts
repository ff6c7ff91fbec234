import { median } from './median.ts';

/** `480 (455 to 502)`. */
export function describeRange(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** Our share of the bare side in each round. */
export function ratios(rounds: readonly { ours: number; bare: number }[]): number[] {
  return rounds.map(({ ours, bare }) => ours / bare);
}
