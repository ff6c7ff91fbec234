/** When everything that has arrived in this turn of the event loop has been seen to: what it asks for can go together. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
