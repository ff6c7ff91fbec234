// Generated from the admin API's OpenAPI document. Do not edit: run npm run admin-client.
// apps/admin-api/test/admin-client.test.ts compares this file with the document.

export interface Account {
  name: string;
  environment: "TEST" | "PRODUCTION";
  baseUrl: string;
}

export interface ApiKey {
  id: string;
  name: string;
  /** Whose idempotency keys are those of this key, and who stands in events. */
  owner: string;
  /** What the key begins with. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; all, when null. */
  accounts: readonly (string)[] | null;
  /** The owners besides its own that it may make keys for, see and end them; `*` is all, null none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that may be made with it and all keys that came of it; of currencies that are not named: none. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The stretch that is looked back. */
    hours: number;
  })[] | null;
  /** How often it may ask; what the setting says, when null. */
  requestsPerMinute: number | null;
  /** The id of the key that made it; `admin` for the bootstrap token; else the subject of the issuer. */
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
  /** As in createdBy. */
  revokedBy: string | null;
}

export interface Balance {
  currency: string;
  balance: string;
  reservedBalance: string;
  availableBalance: string;
}

export interface BatchResult {
  accepted: number;
  replayed: number;
  refused: number;
  results: readonly ({
    /** As an editor numbers them, the first one being 1. */
    line: number;
    outcome: "accepted" | "replayed" | "refused";
    transfer: Transfer | null;
    problem: Problem | null;
  })[];
}

export interface CountryAvailability {
  country: string;
  known: boolean;
  providers: readonly ({
    provider: string;
    known: boolean;
    operationTypes: readonly ({
      operationType: string;
      status: string;
      known: boolean;
    })[];
  })[];
}

export interface DryRun {
  /** `known`: the same was accepted before, and would be answered with that transfer. */
  outcome: "known" | "would_send" | "would_hold" | "would_fail";
  reasonCode: string | null;
  /** Of the first check that does not pass: it decides. */
  reason: string | null;
  /** All of them, in the order in which they are asked. */
  checks: readonly ({
    check: string;
    verdict: "pass" | "hold" | "reject";
    reasonCode: string | null;
    reason: string | null;
    /** When it would be looked at again at the latest. */
    until: string | null;
    /** What it was decided on, and how old that was. */
    inputs: Readonly<Record<string, unknown>> | null;
  })[];
  /** The transfer that is known already. */
  transfer: Transfer | null;
}

export interface NewApiKey {
  id: string;
  name: string;
  /** Whose idempotency keys are those of this key, and who stands in events. */
  owner: string;
  /** What the key begins with. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; all, when null. */
  accounts: readonly (string)[] | null;
  /** The owners besides its own that it may make keys for, see and end them; `*` is all, null none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that may be made with it and all keys that came of it; of currencies that are not named: none. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The stretch that is looked back. */
    hours: number;
  })[] | null;
  /** How often it may ask; what the setting says, when null. */
  requestsPerMinute: number | null;
  /** The id of the key that made it; `admin` for the bootstrap token; else the subject of the issuer. */
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
  /** As in createdBy. */
  revokedBy: string | null;
  /** The key itself. It is shown this once and stored nowhere. */
  key: string;
}

export interface Pause {
  id: string;
  scope: "all" | "account" | "corridor";
  account: string | null;
  corridor: string | null;
  reason: string;
  createdBy: string;
  createdAt: string;
  /** When it ends by itself; null: when it is lifted. */
  until: string | null;
  liftedAt: string | null;
  liftedBy: string | null;
}

export interface PredictedProvider {
  account: string;
  country: string;
  provider: string;
  /** Digits only. */
  phoneNumber: string | null;
  /** Country and provider are in our catalogue. */
  known: boolean;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: "invalid_request" | "idempotency_required" | "malformed_json" | "unauthenticated" | "forbidden" | "spend_limit_exceeded" | "not_found" | "method_not_allowed" | "precondition_failed" | "body_too_large" | "unsupported_media_type" | "ledger_restored" | "too_late" | "not_in_review" | "not_replayable" | "batch_refused" | "idempotency_conflict" | "too_many_requests" | "internal_error" | "ledger_unavailable" | "epoch_unavailable" | "issuer_unavailable" | "too_much_at_once" | "kpay_unavailable";
  /** The same request, unchanged, may succeed later, and sending it again does no harm. */
  safeToRetry: boolean;
  /** Whether this request, or the transfer it is about, moved money or set a transfer going that will. */
  moneyMoved: "yes" | "no" | "unknown";
  /** The part of the body that is wrong, as a JSON pointer. */
  pointer?: string | undefined;
  /** The query parameter or header that is wrong. */
  parameter?: string | undefined;
  /** The trace of this request, while the API is traced. */
  traceId?: string | undefined;
  /** The lines of a batch that are refused. */
  lines?: readonly ({
    line: number;
    code: "invalid_request" | "idempotency_required" | "malformed_json" | "unauthenticated" | "forbidden" | "spend_limit_exceeded" | "not_found" | "method_not_allowed" | "precondition_failed" | "body_too_large" | "unsupported_media_type" | "ledger_restored" | "too_late" | "not_in_review" | "not_replayable" | "batch_refused" | "idempotency_conflict" | "too_many_requests" | "internal_error" | "ledger_unavailable" | "epoch_unavailable" | "issuer_unavailable" | "too_much_at_once" | "kpay_unavailable";
    detail: string;
    pointer?: string | undefined;
  })[] | undefined;
}

export interface Quote {
  id: string;
  account: string;
  sourceCountry: string;
  destinationCountry: string;
  amount: string | null;
  currency: string;
  destinationCurrency: string;
  /** What KPay showed. */
  rate: string;
  /** When KPay was asked for it. */
  rateAt: string;
  /** How old it was when the quote was made. */
  rateAgeSeconds: number;
  /** What would arrive of the amount at this rate; null without an amount. KPay rounds rates, so it may differ a little. */
  estimate: string | null;
  /** How far the floor is below the rate. */
  tolerancePercent: number;
  /** The least rate at which a transfer with this quote is sent: its minRate. */
  floor: string;
  createdAt: string;
  /** Until when a transfer can be made with it. */
  expiresAt: string;
}

export interface Rate {
  from: string;
  to: string;
  rate: string;
}

export interface ReviewEvidence {
  transfer: Transfer;
  attempts: readonly ({
    number: number;
    worker: string;
    startedAt: string;
    /** Null: it is under way, or its process died. */
    endedAt: string | null;
    /** After this it was not written any more. */
    leaseUntil: string;
    /** What it came to: `succeeded`, `unknown`, `refused`, `conflict` … */
    outcome: string | null;
    /** The HTTP status that KPay answered. */
    status: number | null;
    detail: string | null;
    /** SHA-256 of the request. All attempts of a transfer have the same. */
    bodyHash: string;
  })[];
  balance: {
    /** The last one that was seen before the first send. */
    before: {
      shown: string;
      askedAt: string;
    } | null;
    /** The first one that was seen after the last send. */
    after: {
      shown: string;
      askedAt: string;
    } | null;
    /** Never proof: others than we can move a wallet too. */
    verdict: "points_to_moved" | "points_to_not_moved" | "not_verifiable";
    why: string;
  };
}

export interface RevokedApiKey {
  id: string;
  name: string;
  /** Whose idempotency keys are those of this key, and who stands in events. */
  owner: string;
  /** What the key begins with. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; all, when null. */
  accounts: readonly (string)[] | null;
  /** The owners besides its own that it may make keys for, see and end them; `*` is all, null none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that may be made with it and all keys that came of it; of currencies that are not named: none. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The stretch that is looked back. */
    hours: number;
  })[] | null;
  /** How often it may ask; what the setting says, when null. */
  requestsPerMinute: number | null;
  /** The id of the key that made it; `admin` for the bootstrap token; else the subject of the issuer. */
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
  /** As in createdBy. */
  revokedBy: string | null;
  /** The ids of the keys that came of it and ended with it. */
  alsoRevoked: readonly (string)[];
}

export interface StreamToken {
  /** For `GET /v1/stream?token=…`. */
  token: string;
  /** Until when it opens a stream: a minute. An open stream goes on. */
  expiresAt: string;
}

export interface SystemStatus {
  accounts: readonly ({
    name: string;
    environment: "TEST" | "PRODUCTION";
    budget: {
      /** Requests that KPay takes in a minute, of all processes together. */
      limit: number;
      /** How many are left now; null while Redis does not answer. */
      remaining: number | null;
    };
    /** After several unknown outcomes in a row only one transfer is sent, to probe KPay. */
    probing: boolean;
    /** Transfers that have not ended, by state and reason. */
    unfinished: readonly ({
      state: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired";
      /** Of those that are held or in review; null elsewhere. */
      reasonCode: string | null;
      count: number;
      /** How long the oldest has waited. */
      oldestSeconds: number;
    })[];
  })[];
}

export interface Transfer {
  id: string;
  externalId: string | null;
  account: string;
  state: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired";
  /** Why it is where it is, in a sentence. */
  reason: string | null;
  reasonCode: string | null;
  moneyMoved: "yes" | "no" | "unknown";
  sourceCountry: string;
  destinationCountry: string;
  amount: string;
  currency: string;
  destinationAmount: string | null;
  destinationCurrency: string;
  /** The rate that KPay applied. */
  exchangeRate: string | null;
  kpayTransferId: string | null;
  confirmedBy: "answer" | "conflict" | "person" | null;
  attempts: number;
  /** The transfer that this one was made again from. */
  replayOf: string | null;
  /** While it is held: until when at the latest. */
  holdUntil: string | null;
  description: string | null;
  minRate: string | null;
  /** The quote it was made with, whose floor is its minRate. */
  quoteId: string | null;
  onInsufficientFunds: "hold" | "fail";
  notBefore: string | null;
  expiresAt: string | null;
  priority: number;
  metadata: Readonly<Record<string, string>> | null;
  createdAt: string;
  updatedAt: string;
  finishedAt: string | null;
  version: number;
}

export interface TransferEvent {
  version: number;
  /** What happened. */
  type: "accepted" | "held" | "released" | "submitting" | "sent_again" | "succeeded" | "succeeded_late" | "receipt_late" | "confirmed_by_conflict" | "refused" | "check_rejected" | "rate_limited" | "not_sent" | "token_refused" | "unauthorized" | "outcome_unknown" | "conflict_seen" | "collision" | "review" | "resolved" | "restored" | "cancelled" | "expired";
  from: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired" | null;
  to: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired";
  reason: string | null;
  reasonCode: string | null;
  actor: string;
  /** The key of this API that it was done with; null where it was none. */
  keyId: string | null;
  /** What it was decided on, and how old that was. */
  detail: Readonly<Record<string, unknown>> | null;
  at: string;
}

export interface TransferOrder {
  externalId?: string | undefined;
  /** ISO 3166-1 alpha-3. */
  sourceCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
  /** ISO 3166-1 alpha-3. */
  destinationCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
  amount: string | number;
  description?: string | undefined;
  minRate?: string | number | undefined;
  quoteId?: string | undefined;
  onInsufficientFunds?: "hold" | "fail" | undefined;
  notBefore?: string | undefined;
  expiresAt?: string | undefined;
  priority?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  account?: string | undefined;
  idempotencyKey?: string | undefined;
}

/** What each operation takes and answers. */
export interface Operations {
  /** Stop a transfer that was not sent yet. Cancelling again what is cancelled is no error. */
  cancelTransfer: { request: { id: string; headers?: {
        /** The ETag that was seen: when it has changed since, nothing is done. */
        'If-Match'?: string | undefined;
      } | undefined; body?: {
        /** The reason, for readers of the history. */
        reason?: string | undefined;
      }; }; answer: Transfer };
  /** Make a key for a person or a service, within what its maker may do itself. A bound that is left out is as the maker has it. */
  createApiKey: { request: { body: {
        name: string;
        /** As its maker unless given. Subjects of an issuer make keys for themselves alone; the bootstrap token must give it. */
        owner?: string | undefined;
        scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
        accounts?: readonly (string)[] | undefined;
        mayMakeFor?: readonly ("*" | string)[] | undefined;
        addressRanges?: readonly (string)[] | undefined;
        spendLimits?: readonly ({
          /** ISO 4217. */
          currency: "CDF" | "KES" | "RWF" | "SLE" | "UGX" | "USD" | "XAF" | "XOF" | "ZMW";
          amount: string | number;
          hours: number;
        })[] | undefined;
        requestsPerMinute?: number | undefined;
        expiresAt?: string | undefined;
      }; }; answer: NewApiKey };
  /** Stop sends of everything, of an account or of a corridor. From the answer on nothing new is sent there. */
  createPause: { request: { body: {
        scope: "all";
        /** The reason, for readers of the history. */
        reason: string;
        until?: string | undefined;
      } | {
        scope: "account";
        account: string;
        /** The reason, for readers of the history. */
        reason: string;
        until?: string | undefined;
      } | {
        scope: "corridor";
        account: string;
        corridor: string;
        /** The reason, for readers of the history. */
        reason: string;
        until?: string | undefined;
      }; }; answer: Pause };
  /** See the rate and the least that a transfer will accept of it. A transfer made with its id, once and before it expires, waits while the rate is lower. It reserves nothing at KPay. */
  createQuote: { request: { body: {
        /** ISO 3166-1 alpha-3. */
        sourceCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        /** ISO 3166-1 alpha-3. */
        destinationCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        amount?: string | number | undefined;
        tolerancePercent?: number | undefined;
        validForSeconds?: number | undefined;
        account?: string | undefined;
      }; }; answer: Quote };
  /** Make a token that opens the stream for a minute, and nothing else: for a browser's EventSource, which can send no header. It ends with the key that it was made with, and so do the streams it opened. */
  createStreamToken: { request: {  }; answer: StreamToken };
  /** Make a transfer. 202: it is in the ledger and will be sent once, whatever happens. Needs an externalId or an Idempotency-Key; the same request again answers the same transfer. */
  createTransfer: { request: { query?: {
        /** The old way to ask for what POST /v1/transfers/dry-run answers, with 200. @deprecated */
        dryRun?: boolean | undefined;
      } | undefined; headers?: {
        /** The same key with the same body answers the same transfer, for ever. */
        'Idempotency-Key'?: string | undefined;
      } | undefined; body: {
        externalId?: string | undefined;
        /** ISO 3166-1 alpha-3. */
        sourceCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        /** ISO 3166-1 alpha-3. */
        destinationCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        amount: string | number;
        description?: string | undefined;
        minRate?: string | number | undefined;
        quoteId?: string | undefined;
        onInsufficientFunds?: "hold" | "fail" | undefined;
        notBefore?: string | undefined;
        expiresAt?: string | undefined;
        priority?: number | undefined;
        metadata?: Readonly<Record<string, string>> | undefined;
        account?: string | undefined;
      }; }; answer: Transfer };
  /** Make up to 1,000 transfers, one a line, as NDJSON or CSV. Each line has an externalId or an idempotencyKey of its own, and is accepted whole or not at all: read the result of each. The same batch again answers the same transfers. */
  createTransfers: { request: { query?: {
        /** true: all lines are accepted, or none is. */
        atomic?: boolean | undefined;
      } | undefined; body: string; type: "application/x-ndjson" | "text/csv"; }; answer: BatchResult };
  /** End a pause and wake what it held. */
  endPause: { request: { id: string; }; answer: Pause };
  /** All transfers that a filter chooses, the newest first, as CSV. For spreadsheets: an apostrophe stands before each character of a text that could begin a formula in any locale, so that those texts are not exact; GET /v1/transfers in JSON is. A file that breaks off is not whole: the connection ends without its end. */
  exportTransfers: { request: { query?: {
        account?: string | undefined;
        state?: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired" | undefined;
        corridor?: string | undefined;
        /** At least this much, in units of each transfer's own source currency. */
        minAmount?: string | undefined;
        /** At most this much. */
        maxAmount?: string | undefined;
        /** Accepted at this time or later. */
        createdFrom?: string | undefined;
        /** Accepted before this time. */
        createdTo?: string | undefined;
        externalId?: string | undefined;
        /** Stands somewhere in the reason, in capital letters or small ones. */
        reason?: string | undefined;
        /** true: a byte order mark comes first, by which Excel knows that the file is UTF-8. */
        bom?: boolean | undefined;
      } | undefined; }; answer: string };
  /** After a restore of the ledger: move every unfinished transfer to review and send again. kpay restore finish. */
  finishRestore: { request: { body?: {
        unseen?: boolean | undefined;
      }; }; answer: {
      outcome: "finished" | "not_restored";
      moved?: number | undefined;
    } };
  /** The accounts that your key reaches. */
  listAccounts: { request: {  }; answer: {
      items: readonly (Account)[];
      /** Give it as `cursor` for the next page; null on the last one. */
      nextCursor: string | null;
    } };
  /** The keys of your owner and of those that you may make keys for, as far as they reach no more accounts than yours. The keys themselves are not shown. */
  listApiKeys: { request: {  }; answer: {
      items: readonly (ApiKey)[];
      /** Give it as `cursor` for the next page; null on the last one. */
      nextCursor: string | null;
    } };
  /** The pauses in force in the accounts that your key reaches. */
  listPauses: { request: {  }; answer: {
      items: readonly (Pause)[];
      /** Give it as `cursor` for the next page; null on the last one. */
      nextCursor: string | null;
    } };
  /** Everything that happened to a transfer, oldest first, in one page. */
  listTransferEvents: { request: { id: string; }; answer: {
      items: readonly (TransferEvent)[];
      /** Give it as `cursor` for the next page; null on the last one. */
      nextCursor: string | null;
    } };
  /** Transfers, the newest first, a page at a time. */
  listTransfers: { request: { query?: {
        account?: string | undefined;
        state?: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired" | undefined;
        corridor?: string | undefined;
        /** At least this much, in units of each transfer's own source currency. */
        minAmount?: string | undefined;
        /** At most this much. */
        maxAmount?: string | undefined;
        /** Accepted at this time or later. */
        createdFrom?: string | undefined;
        /** Accepted before this time. */
        createdTo?: string | undefined;
        externalId?: string | undefined;
        /** Stands somewhere in the reason, in capital letters or small ones. */
        reason?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
      } | undefined; }; answer: {
      items: readonly (Transfer)[];
      /** Give it as `cursor` for the next page; null on the last one. */
      nextCursor: string | null;
    } };
  /** Which operator a phone number belongs to: KPay's guess. It is asked each time, and the number is kept nowhere. */
  predictProvider: { request: { body: {
        account?: string | undefined;
        phoneNumber: string;
      }; }; answer: PredictedProvider };
  /** Throw the hints of all accounts away and make new ones from the ledger. kpay rebuild-queue. */
  rebuildQueue: { request: { body?: {

      }; }; answer: {
      accounts: readonly ({
        account: string;
        thrownAway: number;
        made: number;
      })[];
    } };
  /** Make a transfer again that ended without moving money: a new one, linked to it. */
  replayTransfer: { request: { id: string; headers?: {
        /** The same key with the same body answers the same transfer, for ever. */
        'Idempotency-Key'?: string | undefined;
      } | undefined; body?: {
        externalId?: string | undefined;
      }; }; answer: Transfer };
  /** Settle a transfer in review by what a person found out at KPay, or have it sent again under the same id. */
  resolveTransfer: { request: { id: string; headers?: {
        /** The ETag that was seen: when it has changed since, nothing is done. */
        'If-Match'?: string | undefined;
      } | undefined; body: {
        verdict: "happened" | "not_happened" | "send_again" | "unchanged";
        /** The reason, for readers of the history. */
        reason: string;
        evidence?: string | undefined;
      }; }; answer: Transfer };
  /** End a key for good, with all keys that came of it. From the answer on they are refused. */
  revokeApiKey: { request: { id: string; }; answer: RevokedApiKey };
  /** Settle many transfers in review by one finding. kpay restore settle. */
  settleReviews: { request: { body: {
        verdict: "happened" | "not_happened" | "send_again" | "unchanged";
        /** The reason, for readers of the history. */
        reason: string;
        /** Which transfers in review, such as `restored`. */
        reasonCode: string;
        account?: string | undefined;
        acceptedFrom?: string | undefined;
        acceptedBefore?: string | undefined;
      }; }; answer: {
      resolved: number;
      left: number;
    } };
  /** The providers of each country as KPay lists them; `known` says whether our catalogue does. */
  showAvailability: { request: { query?: {
        account?: string | undefined;
      } | undefined; }; answer: {
      account: string;
      askedAt: string;
      ageSeconds: number;
      /** KPay did not answer just now: this is what it said last. */
      stale: boolean;
      items: readonly (CountryAvailability)[];
    } };
  /** What KPay shows, one item for each currency: it does not say which country a row belongs to. */
  showBalances: { request: { query?: {
        account?: string | undefined;
      } | undefined; }; answer: {
      account: string;
      askedAt: string;
      ageSeconds: number;
      /** KPay did not answer just now: this is what it said last. */
      stale: boolean;
      items: readonly (Balance)[];
    } };
  /** The rate of one pair of currencies, in one item. */
  showRates: { request: { query: {
        account?: string | undefined;
        /** ISO 4217. */
        from: "CDF" | "KES" | "RWF" | "SLE" | "UGX" | "USD" | "XAF" | "XOF" | "ZMW";
        /** ISO 4217. */
        to: "CDF" | "KES" | "RWF" | "SLE" | "UGX" | "USD" | "XAF" | "XOF" | "ZMW";
      }; }; answer: {
      account: string;
      askedAt: string;
      ageSeconds: number;
      /** KPay did not answer just now: this is what it said last. */
      stale: boolean;
      items: readonly (Rate)[];
    } };
  /** What the ledger knows about the sends of a transfer, for whoever has to settle its review. KPay is not asked. */
  showReviewEvidence: { request: { id: string; }; answer: ReviewEvidence };
  /** What waits in the accounts that your key reaches, for how long, and what is left of the budget. */
  showStatus: { request: {  }; answer: SystemStatus };
  /** Where a transfer is, why, and what is known of its money. */
  showTransfer: { request: { id: string; }; answer: Transfer };
  /** Everything that happens to transfers, as server-sent events. Who comes back with Last-Event-ID misses nothing, however long it was away; without it the stream begins now. */
  streamEvents: { request: { query?: {
        /** Where to begin, for a client that cannot set Last-Event-ID at first; 0 is the beginning of the ledger. */
        after?: string | undefined;
        /** A stream token, in the place of the header Authorization. */
        token?: string | undefined;
      } | undefined; headers?: {
        /** The id of the last event that was seen. What followed it comes first. */
        'Last-Event-ID'?: string | undefined;
      } | undefined; }; answer: string };
  /** Say what would become of a transfer now, by the real acceptance and checks. Nothing is written and nothing is sent. Needs the scope read too. */
  tryTransfer: { request: { headers?: {
        /** The same key with the same body answers the same transfer, for ever. */
        'Idempotency-Key'?: string | undefined;
      } | undefined; body: {
        externalId?: string | undefined;
        /** ISO 3166-1 alpha-3. */
        sourceCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        /** ISO 3166-1 alpha-3. */
        destinationCountry: "BEN" | "CIV" | "CMR" | "COG" | "GAB" | "KEN" | "RWA" | "SEN" | "SLE" | "UGA" | "ZMB";
        amount: string | number;
        description?: string | undefined;
        minRate?: string | number | undefined;
        quoteId?: string | undefined;
        onInsufficientFunds?: "hold" | "fail" | undefined;
        notBefore?: string | undefined;
        expiresAt?: string | undefined;
        priority?: number | undefined;
        metadata?: Readonly<Record<string, string>> | undefined;
        account?: string | undefined;
      }; }; answer: DryRun };
}

/** How each operation is called. `repeatable`: it takes an Idempotency-Key, so sending it again does no harm. */
export const operations = {
  cancelTransfer: {"method":"POST","path":"/v1/transfers/{id}/cancel","repeatable":false,"sends":"json","answers":"json"},
  createApiKey: {"method":"POST","path":"/v1/api-keys","repeatable":false,"sends":"json","answers":"json"},
  createPause: {"method":"POST","path":"/v1/pauses","repeatable":false,"sends":"json","answers":"json"},
  createQuote: {"method":"POST","path":"/v1/quotes","repeatable":false,"sends":"json","answers":"json"},
  createStreamToken: {"method":"POST","path":"/v1/stream-tokens","repeatable":false,"sends":null,"answers":"json"},
  createTransfer: {"method":"POST","path":"/v1/transfers","repeatable":true,"sends":"json","answers":"json"},
  createTransfers: {"method":"POST","path":"/v1/transfers/batch","repeatable":false,"sends":"text","answers":"json"},
  endPause: {"method":"DELETE","path":"/v1/pauses/{id}","repeatable":false,"sends":null,"answers":"json"},
  exportTransfers: {"method":"GET","path":"/v1/transfers.csv","repeatable":true,"sends":null,"answers":"text"},
  finishRestore: {"method":"POST","path":"/v1/maintenance/finish-restore","repeatable":false,"sends":"json","answers":"json"},
  listAccounts: {"method":"GET","path":"/v1/accounts","repeatable":true,"sends":null,"answers":"json"},
  listApiKeys: {"method":"GET","path":"/v1/api-keys","repeatable":true,"sends":null,"answers":"json"},
  listPauses: {"method":"GET","path":"/v1/pauses","repeatable":true,"sends":null,"answers":"json"},
  listTransferEvents: {"method":"GET","path":"/v1/transfers/{id}/events","repeatable":true,"sends":null,"answers":"json"},
  listTransfers: {"method":"GET","path":"/v1/transfers","repeatable":true,"sends":null,"answers":"json"},
  predictProvider: {"method":"POST","path":"/v1/providers/predict","repeatable":false,"sends":"json","answers":"json"},
  rebuildQueue: {"method":"POST","path":"/v1/maintenance/rebuild-queue","repeatable":false,"sends":"json","answers":"json"},
  replayTransfer: {"method":"POST","path":"/v1/transfers/{id}/replay","repeatable":true,"sends":"json","answers":"json"},
  resolveTransfer: {"method":"POST","path":"/v1/transfers/{id}/resolve","repeatable":false,"sends":"json","answers":"json"},
  revokeApiKey: {"method":"DELETE","path":"/v1/api-keys/{id}","repeatable":false,"sends":null,"answers":"json"},
  settleReviews: {"method":"POST","path":"/v1/maintenance/settle-reviews","repeatable":false,"sends":"json","answers":"json"},
  showAvailability: {"method":"GET","path":"/v1/availability","repeatable":true,"sends":null,"answers":"json"},
  showBalances: {"method":"GET","path":"/v1/balances","repeatable":true,"sends":null,"answers":"json"},
  showRates: {"method":"GET","path":"/v1/rates","repeatable":true,"sends":null,"answers":"json"},
  showReviewEvidence: {"method":"GET","path":"/v1/transfers/{id}/evidence","repeatable":true,"sends":null,"answers":"json"},
  showStatus: {"method":"GET","path":"/v1/status","repeatable":true,"sends":null,"answers":"json"},
  showTransfer: {"method":"GET","path":"/v1/transfers/{id}","repeatable":true,"sends":null,"answers":"json"},
  streamEvents: {"method":"GET","path":"/v1/stream","repeatable":true,"sends":null,"answers":"text"},
  tryTransfer: {"method":"POST","path":"/v1/transfers/dry-run","repeatable":true,"sends":"json","answers":"json"},
} as const;
