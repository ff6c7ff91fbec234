import { NoAnswerError, type Problem, ProblemError, UnreadableAnswerError } from '@kpay/admin-client';
import { type ExitCode, exitCodes } from '../framework/exit-codes.ts';
import { Failure } from '../framework/failure.ts';
import type { Text } from '../framework/language.ts';
import { clean } from '../output/table.ts';

type Code = Problem['code'];

const CODES: Readonly<Partial<Record<Code, ExitCode>>> = {
  invalid_request: exitCodes.usage,
  idempotency_required: exitCodes.usage,
  malformed_json: exitCodes.usage,
  body_too_large: exitCodes.usage,
  unauthenticated: exitCodes.key,
  forbidden: exitCodes.key,
  not_found: exitCodes.notFound,
  spend_limit_exceeded: exitCodes.refused,
  idempotency_conflict: exitCodes.refused,
  batch_refused: exitCodes.refused,
  not_replayable: exitCodes.refused,
  ledger_restored: exitCodes.refused,
  precondition_failed: exitCodes.changed,
  too_late: exitCodes.changed,
  not_in_review: exitCodes.changed,
};

/** What a French reader is told before the API's own words, which are English. */
const FRENCH: Readonly<Partial<Record<Code, string>>> = {
  invalid_request: 'demande non valable',
  idempotency_required: 'il manque un identifiant externe',
  unauthenticated: 'la clé est refusée',
  forbidden: "la clé n'a pas ce droit",
  not_found: 'introuvable',
  spend_limit_exceeded: 'limite de dépense dépassée',
  idempotency_conflict: 'cet identifiant externe sert déjà à un autre transfert',
  batch_refused: 'lot refusé',
  not_replayable: 'ce transfert ne peut pas être refait',
  ledger_restored: "le registre a été restauré d'une sauvegarde",
  precondition_failed: 'le transfert a changé entre-temps',
  too_late: 'trop tard',
  not_in_review: "ce transfert n'est pas à vérifier",
  too_many_requests: 'trop de demandes',
  ledger_unavailable: 'le registre ne répond pas',
  epoch_unavailable: "l'état de restauration est inconnu",
  issuer_unavailable: "l'émetteur des jetons ne répond pas",
  too_much_at_once: 'trop à la fois',
  kpay_unavailable: 'KPay ne répond pas',
  internal_error: "l'API a échoué",
};

export interface Asked {
  /** The request changes something: without an answer nobody knows whether it was done. */
  writes?: true;
  /** It is about a transfer's money: what the API says of that decides the code. */
  money?: true;
  /** How the same command is run again without harm, where that is known: `--external-id payout-42`. */
  again?: string;
}

/** The code and the sentence for what the client threw. Anything else is thrown on: it is a fault of ours. */
export function failureOf(error: unknown, asked: Asked = {}): Failure {
  const { money, writes = money, again } = asked;
  if (error instanceof ProblemError) return ofProblem(error, asked);
  if (error instanceof NoAnswerError && error.sent === 'no') {
    const why = error.message;
    return new Failure(
      exitCodes.unreachable,
      { en: `the API cannot be reached (${why}); nothing was sent`, fr: `l'API est injoignable (${why}) ; rien n'a été envoyé` },
      { cause: error },
    );
  }
  if (error instanceof NoAnswerError || error instanceof UnreadableAnswerError) {
    const why = error instanceof NoAnswerError ? { en: error.message, fr: error.message } : unreadable(error);
    if (writes) return outcomeUnknown(why, again, error);
    return new Failure(
      exitCodes.unreachable,
      { en: `no usable answer came: ${why.en}`, fr: `aucune réponse utilisable : ${why.fr}` },
      { cause: error },
    );
  }
  throw error;
}

function ofProblem(error: ProblemError, { money, again }: Asked): Failure {
  const { code, detail, pointer, parameter, moneyMoved, status } = error.problem;
  const where = pointer ? `${pointer.slice(1)}: ` : parameter === undefined ? '' : `${parameter}: `;
  const said = clean(detail.startsWith(where.slice(0, -2)) ? detail : `${where}${detail}`);
  if (money && moneyMoved === 'unknown') {
    // An answer that the API could not finish: the request itself may have been recorded.
    if (status >= 500 && code !== 'epoch_unavailable') return outcomeUnknown({ en: said, fr: said }, again, error);
    return new Failure(exitCodes.unknown, { en: said, fr: inFrench(code, said) }, { cause: error });
  }
  return new Failure(CODES[code] ?? exitCodes.failed, { en: said, fr: inFrench(code, said) }, { cause: error });
}

function inFrench(code: Code, detail: string): string {
  return `${FRENCH[code] ?? code} (${detail})`;
}

function unreadable({ status, snippet }: UnreadableAnswerError): Text {
  const text = clean(snippet).slice(0, 80);
  return { en: `status ${status}, not from the admin API: ${text}`, fr: `statut ${status}, qui n'est pas de l'API : ${text}` };
}

function outcomeUnknown(why: Text, again: string | undefined, cause: Error): Failure {
  const en =
    again === undefined ? 'look before you do it again' : `run the same command again with ${again}, never with another id`;
  const fr =
    again === undefined
      ? 'vérifiez avant de recommencer'
      : `relancez la même commande avec ${again}, jamais un autre identifiant`;
  return new Failure(
    exitCodes.unknown,
    { en: `nobody knows whether it was accepted (${why.en}): ${en}`, fr: `nul ne sait si c'est accepté (${why.fr}) : ${fr}` },
    { cause },
  );
}
