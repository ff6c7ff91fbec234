/** Two ISO 4217 codes. */
export interface RatePair {
  from: string;
  to: string;
}

/** Parses a pair of KPAY_RATE_PAIRS: "XAF:XOF". */
export function parseRatePair(text: string): RatePair {
  const { from, to } = /^(?<from>[A-Z]{3}):(?<to>[A-Z]{3})$/.exec(text)?.groups ?? {};
  if (from === undefined || to === undefined) throw new Error(`a pair of currencies is like XAF:XOF, not ${text}`);
  return { from, to };
}
