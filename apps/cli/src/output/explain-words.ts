import type { Pause, Transfer } from '@kpay/admin-client';
import type { Text } from '../framework/language.ts';
import { isFinal } from './transfer-words.ts';

/** Something that may be done about a transfer; a command where there is one. */
export interface Step {
  text: Text;
  command: string | null;
}

/** What the reason codes of docs/flow.md mean for whoever waits. */
const ADVICE: Readonly<Record<string, Text>> = {
  not_before: { en: 'Its time has not come yet.', fr: "Son heure n'est pas encore venue." },
  outside_send_window: {
    en: "The account's send window is closed; it goes when that opens.",
    fr: 'La fenêtre d’envoi du compte est fermée ; il part à l’ouverture.',
  },
  spend_limit: {
    en: 'A spend limit of the account would be exceeded; it goes when there is room.',
    fr: 'Une limite du compte serait dépassée ; il part dès que possible.',
  },
  paused: {
    en: 'A person paused it; it goes when the pause ends.',
    fr: 'Quelqu’un l’a suspendu ; il part à la fin de la suspension.',
  },
  breaker: {
    en: 'KPay gave no definite answer several times in a row; one transfer probes, then the others go.',
    fr: 'KPay n’a pas donné de réponse claire plusieurs fois ; un transfert essaie, puis les autres partent.',
  },
  insufficient_funds: {
    en: 'The paying wallet holds too little; it goes when money has come.',
    fr: "Le portefeuille qui paie a trop peu ; il part quand l'argent est là.",
  },
  corridor_refused: {
    en: 'KPay refused others of this corridor; one at a time probes.',
    fr: 'KPay en a refusé d’autres de ce corridor ; un seul essaie à la fois.',
  },
  destination_payouts_unavailable: {
    en: 'No operator of the destination pays out now.',
    fr: 'Aucun opérateur de la destination ne paie en ce moment.',
  },
  rate_below_minimum: {
    en: 'The rate is below the lowest that was given; it goes when the rate is back.',
    fr: 'Le taux est sous le minimum donné ; il part quand le taux remonte.',
  },
  unauthorized: {
    en: "KPay refuses the account's keys: a person has to mend them.",
    fr: 'KPay refuse les clés du compte : il faut les réparer.',
  },
  kpay_unavailable: { en: 'KPay gave no usable answer; it is asked again.', fr: 'KPay ne répond pas ; il est redemandé.' },
  check_failed: { en: 'A check failed; it is asked again.', fr: 'Un contrôle a échoué ; il est redemandé.' },
  outcome_unknown: {
    en: 'It was sent and no definite answer came. It is sent again under the same id by itself; never make another.',
    fr: 'Il est parti sans réponse claire. Il est renvoyé seul sous le même id ; n’en faites jamais un autre.',
  },
  collision: {
    en: 'KPay holds the id for a transfer that this ledger did not send.',
    fr: "KPay a déjà cet id pour un transfert que ce registre n'a pas envoyé.",
  },
  not_completed: {
    en: 'KPay answered with a status that is no success.',
    fr: "KPay a répondu par un statut qui n'est pas un succès.",
  },
  answer_lost: { en: "KPay's answer could not be stored.", fr: "La réponse de KPay n'a pas pu être gardée." },
  refused_after_unknown: {
    en: 'KPay refused it after an attempt with an unknown outcome.',
    fr: "KPay l'a refusé après un essai au résultat inconnu.",
  },
  conflict_unprovable: {
    en: 'KPay knows the id, which proves nothing here, because it was refused before.',
    fr: "KPay connaît l'id, ce qui ne prouve rien ici, car il fut refusé avant.",
  },
  unconfirmed_too_long: { en: 'No definite answer came within 24 hours.', fr: 'Aucune réponse claire en 24 heures.' },
  restored: {
    en: 'The ledger was restored from a backup, and it may have been sent since.',
    fr: 'Le registre a été restauré, et il a pu partir depuis.',
  },
  succeeded_late: {
    en: "KPay's success came after a person had decided otherwise: money moved.",
    fr: "Le succès de KPay est venu après la décision d'une personne : l'argent a bougé.",
  },
};

export function adviceOf({ reasonCode }: Transfer): Text | undefined {
  return reasonCode !== null && Object.hasOwn(ADVICE, reasonCode) ? ADVICE[reasonCode] : undefined;
}

/** What may be done about a transfer as it stands. */
export function nextSteps(transfer: Transfer, pauses: readonly Pause[]): readonly Step[] {
  const { id, state, moneyMoved } = transfer;
  const nothing = (en: string, fr: string): Step => ({ text: { en, fr }, command: null });
  switch (state) {
    case 'queued':
    case 'holding':
    case 'awaiting_approval':
      return [
        ...pauses.map((pause) => ({
          text: { en: 'end the pause', fr: 'lever la suspension' },
          command: `kpay resume ${pause.id}`,
        })),
        { text: { en: 'follow it', fr: 'le suivre' }, command: `kpay transfer watch ${id}` },
        {
          text: { en: 'cancel it; nothing was sent', fr: "l'annuler ; rien n'est parti" },
          command: `kpay transfer cancel ${id}`,
        },
      ];
    case 'submitting':
    case 'unconfirmed':
      return [
        nothing('wait: never make it again under another id', 'attendre : ne jamais le refaire sous un autre id'),
        { text: { en: 'follow it', fr: 'le suivre' }, command: `kpay transfer watch ${id}` },
      ];
    case 'review':
      return [
        nothing("look at KPay's dashboard whether it happened", 'regarder chez KPay s’il a eu lieu'),
        {
          text: { en: 'then say what you found', fr: 'puis dire ce que vous avez vu' },
          command: `kpay transfer resolve ${id} --as happened|not-happened|send-again --reason "…"`,
        },
      ];
    case 'succeeded':
      return [nothing('nothing: it is done', 'rien : c’est fait')];
    default:
      if (isFinal(transfer) && moneyMoved === 'no') {
        return [
          {
            text: { en: 'make it again; nothing moved', fr: "le refaire ; rien n'a bougé" },
            command: `kpay transfer replay ${id}`,
          },
        ];
      }
      return [
        nothing('nothing: money moved, so it must not be made again', "rien : l'argent a bougé, il ne faut pas le refaire"),
      ];
  }
}
