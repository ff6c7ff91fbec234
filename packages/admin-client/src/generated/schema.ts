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
  /** The owner of the key's idempotency keys. Events show it as `actor`. */
  owner: string;
  /** The first characters of the key. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; null: all. */
  accounts: readonly (string)[] | null;
  /** The other owners whose keys it may make, see and revoke; `*`: all, null: none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that it and all keys below it may create. Currencies that are not listed are not allowed. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The length of the period in hours. */
    hours: number;
  })[] | null;
  /** Its rate limit; null: that of the setting. */
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
    /** The number of the line, as in an editor; the first is 1. */
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
  /** `known`: the same order was accepted before, and the answer would be that transfer. */
  outcome: "known" | "would_send" | "would_hold" | "would_fail";
  reasonCode: string | null;
  /** The reason of the first check that does not pass, which decides. */
  reason: string | null;
  /** All checks, in the order in which they run. */
  checks: readonly ({
    check: string;
    verdict: "pass" | "hold" | "reject";
    reasonCode: string | null;
    reason: string | null;
    /** When the transfer would be checked again at the latest. */
    until: string | null;
    /** The data behind the decision, and its age. */
    inputs: Readonly<Record<string, unknown>> | null;
  })[];
  /** The transfer that was accepted before. */
  transfer: Transfer | null;
}

export interface NewApiKey {
  id: string;
  name: string;
  /** The owner of the key's idempotency keys. Events show it as `actor`. */
  owner: string;
  /** The first characters of the key. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; null: all. */
  accounts: readonly (string)[] | null;
  /** The other owners whose keys it may make, see and revoke; `*`: all, null: none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that it and all keys below it may create. Currencies that are not listed are not allowed. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The length of the period in hours. */
    hours: number;
  })[] | null;
  /** Its rate limit; null: that of the setting. */
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
  /** The key itself. It is shown only now and stored nowhere. */
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
  /** When it ends automatically; null: only when it is lifted. */
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
  /** Whether country and provider are in our catalogue. */
  known: boolean;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: "invalid_request" | "idempotency_required" | "malformed_json" | "unauthenticated" | "forbidden" | "spend_limit_exceeded" | "not_found" | "method_not_allowed" | "precondition_failed" | "body_too_large" | "unsupported_media_type" | "ledger_restored" | "too_late" | "not_in_review" | "not_replayable" | "batch_refused" | "idempotency_conflict" | "too_many_requests" | "internal_error" | "ledger_unavailable" | "epoch_unavailable" | "issuer_unavailable" | "too_much_at_once" | "kpay_unavailable";
  /** Whether the same request, unchanged, may succeed later and does no harm when it is sent again. */
  safeToRetry: boolean;
  /** Whether this request or its transfer moved money, or started a transfer that will. */
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
  /** When KPay was asked for the rate. */
  rateAt: string;
  /** How old the rate was when the quote was made. */
  rateAgeSeconds: number;
  /** The amount that would arrive at this rate; null without an amount. KPay rounds rates, so the real amount may differ a little. */
  estimate: string | null;
  /** How far the floor is below the rate. */
  tolerancePercent: number;
  /** The lowest rate at which a transfer with this quote is sent. It becomes the transfer's minRate. */
  floor: string;
  createdAt: string;
  /** When the quote expires. A transfer can be made with it until then. */
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
    /** Null while it is under way, or when its process died. */
    endedAt: string | null;
    /** The request was not written after this time. */
    leaseUntil: string;
    /** The outcome: `succeeded`, `unknown`, `refused`, `conflict` … */
    outcome: string | null;
    /** The HTTP status of KPay's answer. */
    status: number | null;
    detail: string | null;
    /** SHA-256 of the request. All attempts of a transfer have the same. */
    bodyHash: string;
  })[];
  balance: {
    /** The last balance that was seen before the first send. */
    before: {
      shown: string;
      askedAt: string;
    } | null;
    /** The first balance that was seen after the last send. */
    after: {
      shown: string;
      askedAt: string;
    } | null;
    /** Never a proof: others can move money of a wallet, too. */
    verdict: "points_to_moved" | "points_to_not_moved" | "not_verifiable";
    why: string;
  };
}

export interface RevokedApiKey {
  id: string;
  name: string;
  /** The owner of the key's idempotency keys. Events show it as `actor`. */
  owner: string;
  /** The first characters of the key. */
  prefix: string;
  scopes: readonly ("read" | "transfers:create" | "transfers:approve" | "transfers:resolve" | "control" | "keys" | "audit")[];
  /** The accounts that it reaches; null: all. */
  accounts: readonly (string)[] | null;
  /** The other owners whose keys it may make, see and revoke; `*`: all, null: none. */
  mayMakeFor: readonly (string)[] | null;
  addressRanges: readonly (string)[] | null;
  /** The most that it and all keys below it may create. Currencies that are not listed are not allowed. */
  spendLimits: readonly ({
    currency: string;
    amount: string;
    /** The length of the period in hours. */
    hours: number;
  })[] | null;
  /** Its rate limit; null: that of the setting. */
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
  /** The ids of the keys below it, which were revoked with it. */
  alsoRevoked: readonly (string)[];
}

export interface StreamToken {
  /** For `GET /v1/stream?token=…`. */
  token: string;
  /** The time until which it opens a stream, in a minute. A stream that is open goes on. */
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
  /** Why the transfer is in this state, in a sentence. */
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
  /** The id of the transfer that this one replays. */
  replayOf: string | null;
  /** When a held transfer is checked again at the latest. */
  holdUntil: string | null;
  description: string | null;
  minRate: string | null;
  /** The quote that it was made with. The quote's floor is its minRate. */
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
  /** The id of the API key that was used; null when none was. */
  keyId: string | null;
  /** The data behind the decision, and its age. */
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
  /** Cancel a transfer that was not sent yet. Cancelling a cancelled transfer again is no error. */
  cancelTransfer: { request: { id: string; headers?: {
        /** The ETag that the client has seen. If it has changed since, nothing is done. */
        'If-Match'?: string | undefined;
      } | undefined; body?: {
        /** The reason, for readers of the history. */
        reason?: string | undefined;
      }; }; answer: Transfer };
  /** Make a key for a person or a service, within its maker's bounds. A bound that is left out is taken from the maker. */
  createApiKey: { request: { body: {
        name: string;
        /** By default the maker's owner. Subjects of an issuer can make keys only for themselves; the bootstrap token must set it. */
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
  /** Pause the sends of everything, an account or a corridor. Nothing new is sent there from the answer on. */
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
  /** Get the present rate and a floor. One transfer can be made with the quote's id before it expires; it waits while the rate is below the floor. Nothing is reserved at KPay. */
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
  /** Make a token that opens only the stream, for a minute. It is for a browser's EventSource, which can send no header. It ends with the key that it was made with, and so do the streams that it opened. */
  createStreamToken: { request: {  }; answer: StreamToken };
  /** Make a transfer. 202 means that it is in the ledger and will be sent once, whatever happens. It needs an externalId or an Idempotency-Key. The same request again returns the same transfer. */
  createTransfer: { request: { query?: {
        /** Deprecated: use POST /v1/transfers/dry-run. `true` gives the same answer, with 200. @deprecated */
        dryRun?: boolean | undefined;
      } | undefined; headers?: {
        /** The same key with the same body always returns the same transfer. */
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
  /** Make up to 1,000 transfers, one a line, as NDJSON or CSV. Each line has its own externalId or idempotencyKey and is accepted whole or not at all, so read the result of each. The same batch again returns the same transfers. */
  createTransfers: { request: { query?: {
        /** true: either all lines are accepted, or none. */
        atomic?: boolean | undefined;
      } | undefined; body: string; type: "application/x-ndjson" | "text/csv"; }; answer: BatchResult };
  /** End a pause and wake the transfers that it held. */
  endPause: { request: { id: string; }; answer: Pause };
  /** Export all transfers that match a filter, the newest first, as CSV for spreadsheets. An apostrophe precedes each character that could begin a formula in any locale, so such texts are not exact; GET /v1/transfers in JSON is. If the export fails, the connection is cut, and the file is not complete. */
  exportTransfers: { request: { query?: {
        account?: string | undefined;
        state?: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired" | undefined;
        corridor?: string | undefined;
        /** The smallest amount, in units of each transfer's own source currency. */
        minAmount?: string | undefined;
        /** The largest amount. */
        maxAmount?: string | undefined;
        /** Accepted at this time or later. */
        createdFrom?: string | undefined;
        /** Accepted before this time. */
        createdTo?: string | undefined;
        externalId?: string | undefined;
        /** Text that occurs anywhere in the reason, in upper or lower case. */
        reason?: string | undefined;
        /** true: the file begins with a byte order mark, which tells Excel that it is UTF-8. */
        bom?: boolean | undefined;
      } | undefined; }; answer: string };
  /** After a restore of the ledger: move every unfinished transfer to review and send again. kpay restore finish. */
  finishRestore: { request: { body?: {
        unseen?: boolean | undefined;
      }; }; answer: {
      outcome: "finished" | "not_restored";
      moved?: number | undefined;
    } };
  /** List the accounts that your key reaches. */
  listAccounts: { request: {  }; answer: {
      items: readonly (Account)[];
      /** Pass it as `cursor` to get the next page; null on the last page. */
      nextCursor: string | null;
    } };
  /** List the keys of your owner and of owners for which you may make keys, if they reach no more accounts than yours. The keys themselves are not shown. */
  listApiKeys: { request: {  }; answer: {
      items: readonly (ApiKey)[];
      /** Pass it as `cursor` to get the next page; null on the last page. */
      nextCursor: string | null;
    } };
  /** List the pauses in force in the accounts that your key reaches. */
  listPauses: { request: {  }; answer: {
      items: readonly (Pause)[];
      /** Pass it as `cursor` to get the next page; null on the last page. */
      nextCursor: string | null;
    } };
  /** List all events of a transfer, oldest first, in one page. */
  listTransferEvents: { request: { id: string; }; answer: {
      items: readonly (TransferEvent)[];
      /** Pass it as `cursor` to get the next page; null on the last page. */
      nextCursor: string | null;
    } };
  /** List transfers, the newest first, a page at a time. */
  listTransfers: { request: { query?: {
        account?: string | undefined;
        state?: "awaiting_approval" | "queued" | "holding" | "submitting" | "unconfirmed" | "review" | "succeeded" | "failed" | "rejected" | "cancelled" | "expired" | undefined;
        corridor?: string | undefined;
        /** The smallest amount, in units of each transfer's own source currency. */
        minAmount?: string | undefined;
        /** The largest amount. */
        maxAmount?: string | undefined;
        /** Accepted at this time or later. */
        createdFrom?: string | undefined;
        /** Accepted before this time. */
        createdTo?: string | undefined;
        externalId?: string | undefined;
        /** Text that occurs anywhere in the reason, in upper or lower case. */
        reason?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
      } | undefined; }; answer: {
      items: readonly (Transfer)[];
      /** Pass it as `cursor` to get the next page; null on the last page. */
      nextCursor: string | null;
    } };
  /** Get KPay's guess of the operator of a phone number. KPay is asked each time, and the number is not stored. */
  predictProvider: { request: { body: {
        account?: string | undefined;
        phoneNumber: string;
      }; }; answer: PredictedProvider };
  /** Remove the advance jobs of all accounts and make them again from the ledger. kpay rebuild-queue. */
  rebuildQueue: { request: { body?: {

      }; }; answer: {
      accounts: readonly ({
        account: string;
        thrownAway: number;
        made: number;
      })[];
    } };
  /** Replay a transfer that ended without moving money: make a new transfer, linked to the old one. */
  replayTransfer: { request: { id: string; headers?: {
        /** The same key with the same body always returns the same transfer. */
        'Idempotency-Key'?: string | undefined;
      } | undefined; body?: {
        externalId?: string | undefined;
      }; }; answer: Transfer };
  /** Resolve a transfer in review by what a person found at KPay, or have it sent again under the same id. */
  resolveTransfer: { request: { id: string; headers?: {
        /** The ETag that the client has seen. If it has changed since, nothing is done. */
        'If-Match'?: string | undefined;
      } | undefined; body: {
        verdict: "happened" | "not_happened" | "send_again" | "unchanged";
        /** The reason, for readers of the history. */
        reason: string;
        evidence?: string | undefined;
      }; }; answer: Transfer };
  /** Revoke a key for good, with all keys below it. They are refused from the answer on. */
  revokeApiKey: { request: { id: string; }; answer: RevokedApiKey };
  /** Resolve many transfers in review with one verdict. kpay restore settle. */
  settleReviews: { request: { body: {
        verdict: "happened" | "not_happened" | "send_again" | "unchanged";
        /** The reason, for readers of the history. */
        reason: string;
        /** The reason code of the transfers in review, such as `restored`. */
        reasonCode: string;
        account?: string | undefined;
        acceptedFrom?: string | undefined;
        acceptedBefore?: string | undefined;
      }; }; answer: {
      resolved: number;
      left: number;
    } };
  /** List the providers of each country as KPay shows them. `known` says whether they are in our catalogue. */
  showAvailability: { request: { query?: {
        account?: string | undefined;
      } | undefined; }; answer: {
      account: string;
      askedAt: string;
      ageSeconds: number;
      /** True when KPay did not answer now; this is its last answer. */
      stale: boolean;
      items: readonly (CountryAvailability)[];
    } };
  /** Show the balances, one item for each currency. KPay does not say to which country a balance belongs. */
  showBalances: { request: { query?: {
        account?: string | undefined;
      } | undefined; }; answer: {
      account: string;
      askedAt: string;
      ageSeconds: number;
      /** True when KPay did not answer now; this is its last answer. */
      stale: boolean;
      items: readonly (Balance)[];
    } };
  /** Show the rate of one pair of currencies, as one item. */
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
      /** True when KPay did not answer now; this is its last answer. */
      stale: boolean;
      items: readonly (Rate)[];
    } };
  /** Show what the ledger knows about the sends of a transfer, for the person who resolves its review. KPay is not asked. */
  showReviewEvidence: { request: { id: string; }; answer: ReviewEvidence };
  /** What waits in the accounts that your key reaches, for how long, and what is left of the budget. */
  showStatus: { request: {  }; answer: SystemStatus };
  /** Show a transfer: its state, why it is there, and what is known about its money. */
  showTransfer: { request: { id: string; }; answer: Transfer };
  /** Stream every event of every transfer, as server-sent events. A client that reconnects with Last-Event-ID misses nothing, however long it was away. Without it the stream begins now. */
  streamEvents: { request: { query?: {
        /** Where to begin, for a client that cannot set Last-Event-ID at first; 0 is the first event of the ledger. */
        after?: string | undefined;
        /** A stream token, instead of the header Authorization. */
        token?: string | undefined;
      } | undefined; headers?: {
        /** The id of the last event that the client has seen. The stream begins with the event after it. */
        'Last-Event-ID'?: string | undefined;
      } | undefined; }; answer: string };
  /** Predict what would become of a transfer now, with the real acceptance and checks. Nothing is written or sent. It also needs the scope read. */
  tryTransfer: { request: { headers?: {
        /** The same key with the same body always returns the same transfer. */
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
