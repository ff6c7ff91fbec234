import type { TransferView } from '@kpay/transfers';
import { adminToken } from './start-kpay.ts';

const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

/** Requests a transfer like a client of the API. */
export async function postTransfer(apiUrl: string, order: object): Promise<TransferView> {
  const answer = await fetch(`${apiUrl}/v1/transfers`, { method: 'POST', headers, body: JSON.stringify(order) });
  if (answer.status !== 202) throw new Error(`the API said ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as TransferView;
}

export async function getTransfer(apiUrl: string, id: string): Promise<TransferView> {
  return getJson<TransferView>(`${apiUrl}/v1/transfers/${id}`);
}

export async function getJson<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers });
  if (answer.status !== 200) throw new Error(`${url} said ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Reads all transfers, page by page. */
export async function listTransfers(apiUrl: string): Promise<TransferView[]> {
  const all: TransferView[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: { items: TransferView[]; nextCursor: string | null } = await getJson(
      `${apiUrl}/v1/transfers?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    all.push(...page.items);
    cursor = page.nextCursor;
  }
  return all;
}
