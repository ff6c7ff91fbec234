/** The present series of an expression. */
export async function query(prometheus: string, expr: string): Promise<{ metric: Record<string, string>; value: number }[]> {
  const answer = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query: expr })}`);
  const { status, error, data } = (await answer.json()) as {
    status: string;
    error?: string;
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (status !== 'success') throw new Error(`${expr}: ${error}`);
  return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
