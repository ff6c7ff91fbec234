import type { AdminClient, Transfer } from '@kpay/admin-client';
import { exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * A transfer by the id that the API gave it, or by the external id that its maker did.
 *
 * @throws Failure (9) when there is none; (2) when several accounts have one with that external id.
 */
export async function findTransfer(api: AdminClient, id: string, signal: AbortSignal): Promise<Transfer> {
  if (UUID.test(id)) return (await api.showTransfer({ id, signal })).data;
  const { data } = await api.listTransfers({ query: { externalId: id, limit: 2 }, signal });
  const [found, another] = data.items;
  const shown = id.slice(0, 60);
  if (!found) {
    throw new Failure(exitCodes.notFound, {
      en: `there is no transfer with the id or external id ${shown}`,
      fr: `il n'y a pas de transfert avec l'id ou l'id externe ${shown}`,
    });
  }
  if (another) {
    throw new Failure(exitCodes.usage, {
      en: `several accounts have a transfer with the external id ${shown}: give the id (kpay transfer list --external-id ${shown})`,
      fr: `plusieurs comptes ont un transfert avec l'id externe ${shown} : donnez l'id (kpay transfer list --external-id ${shown})`,
    });
  }
  return found;
}
