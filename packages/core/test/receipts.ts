/** When KPay received each request, in order. */
export function receiptTimes(requests: ReadonlyArray<{ receivedAt: string }>): number[] {
  return requests.map(({ receivedAt }) => Date.parse(receivedAt)).toSorted((a, b) => a - b);
}

/** Receipts in each window that lies between the first receipt and the last, side by side from the first. */
export function usedInFullWindows(received: readonly number[], windowMs: number): number[] {
  const firstMs = received[0] ?? 0;
  const lastMs = received.at(-1) ?? 0;
  const full = Math.floor((lastMs - firstMs) / windowMs);
  return Array.from({ length: full }, (_, index) =>
    countWithin(
      received.filter((at) => at >= firstMs + index * windowMs),
      windowMs,
    ),
  );
}

/** The most receipts in any window, wherever it begins. */
export function mostInAnyWindow(received: readonly number[], windowMs: number): number {
  return Math.max(0, ...received.map((_, index) => countWithin(received.slice(index), windowMs)));
}

/** How many come within a window of the first. */
function countWithin(received: readonly number[], windowMs: number): number {
  const firstMs = received[0] ?? 0;
  return received.filter((at) => at < firstMs + windowMs).length;
}
