import type { Transfer } from '@kpay/admin-client';
import type { Style } from '../framework/io.ts';
import type { Text } from '../framework/language.ts';

export type TransferState = Transfer['state'];

/** Each state as people say it, the same as in the console. */
export const stateWords: Readonly<Record<TransferState, Text>> = {
  awaiting_approval: { en: 'waiting for approval', fr: "en attente d'approbation" },
  queued: { en: 'queued', fr: 'en file' },
  holding: { en: 'waiting', fr: 'en attente' },
  submitting: { en: 'being sent', fr: 'envoi en cours' },
  unconfirmed: { en: 'sent, no answer yet', fr: 'envoyé, sans réponse' },
  review: { en: 'needs a person', fr: 'à vérifier' },
  succeeded: { en: 'succeeded', fr: 'réussi' },
  failed: { en: 'failed, nothing moved', fr: "échoué, rien n'a bougé" },
  rejected: { en: 'rejected', fr: 'refusé' },
  cancelled: { en: 'cancelled', fr: 'annulé' },
  expired: { en: 'expired', fr: 'expiré' },
};

const STYLES: Readonly<Partial<Record<TransferState, Style>>> = {
  succeeded: 'green',
  failed: 'red',
  rejected: 'red',
  unconfirmed: ['yellow', 'bold'],
  review: ['yellow', 'bold'],
  holding: 'cyan',
  awaiting_approval: 'cyan',
};

export function styleOf({ state }: Pick<Transfer, 'state'>): Style | undefined {
  return STYLES[state];
}

export const movedWords: Readonly<Record<Transfer['moneyMoved'], Text>> = {
  yes: { en: 'yes', fr: 'oui' },
  no: { en: 'no', fr: 'non' },
  unknown: { en: 'UNKNOWN', fr: 'INCONNU' },
};

const FINAL: ReadonlySet<TransferState> = new Set(['succeeded', 'failed', 'rejected', 'cancelled', 'expired']);

/** Whether nothing will happen to it any more. */
export function isFinal({ state }: Pick<Transfer, 'state'>): boolean {
  return FINAL.has(state);
}
