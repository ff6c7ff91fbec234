import { Refusal } from './answer.ts';
import { type Application, type ApplicationSpec, openApplication, uuidFrom } from './application.ts';
import { AvailabilityBoard, type CountryAvailability } from './availability-board.ts';
import { decimalsOf } from './catalogue.ts';
import { convertMinor, formatMinor, parseDecimal, toMinor } from './decimal.ts';
import { RateBook } from './rate-book.ts';
import { ServerCache } from './server-cache.ts';
import { readTransferRequest } from './transfer-request.ts';
import type { TransferRecord, TruthEvent } from './truth-event.ts';
import { moveMoney, openWallet, type Wallet, type WalletSpec, walletOf } from './wallets.ts';

/** What a KPay without a server is made of. */
export interface KpayOptions {
  /** Milliseconds since 1970; the only source of time. */
  now: () => number;
  /** Transfer ids follow from it. */
  seed: number;
  /** Must make the event durable before it returns, or throw: then nothing has happened. */
  record?: (event: TruthEvent) => void;
}

/** Whether a currency's countries are summed, or come as rows of their own. */
export type BalanceRows = 'per_currency' | 'per_country';

export interface BalanceRow {
  currency: string;
  balance: number;
  reservedBalance: number;
  availableBalance: number;
}

const rateCacheMs = 3_600_000;
const availabilityCacheMs = 60_000;

/**
 * The rules of KPay and the truth about its money. No input, no output, no timers: a simulation can drive it under
 * a clock of its own. Everything that says no throws a Refusal.
 */
export class Kpay {
  /** How much faster than the clock the caches (and, outside, tokens and limits) run out. */
  timeScale = 1;
  /** Off: rates and availability are shown as they are at this moment. */
  caching = true;

  /** Every transfer that moved money, in its order. */
  readonly transfers: TransferRecord[] = [];
  readonly #now: () => number;
  readonly #seed: number;
  readonly #record: (event: TruthEvent) => void;
  readonly #byKey = new Map<string, Application>();
  readonly #byId = new Map<string, Application>();
  readonly #specs: ApplicationSpec[] = [];
  readonly #transfersById = new Map<string, TransferRecord>();
  readonly #rates = new RateBook();
  readonly #board = new AvailabilityBoard();
  readonly #rateCache = new ServerCache<number | undefined>();
  readonly #availabilityCache = new ServerCache<CountryAvailability[]>();
  /** Grows across resets and restarts, so that no transfer id comes twice. */
  #sequence = 0;

  constructor({ now, seed, record = () => {} }: KpayOptions) {
    this.#now = now;
    this.#seed = seed;
    this.#record = record;
  }

  /** Every application, in the order in which they were added. */
  get applications(): Application[] {
    return [...this.#byKey.values()];
  }

  /** The application of this API key. */
  findByKey(apiKey: string): Application | undefined {
    return this.#byKey.get(apiKey);
  }

  /** The application with this id. */
  findById(applicationId: string): Application | undefined {
    return this.#byId.get(applicationId);
  }

  /** Units of `to` for one of `from`, as the endpoint shows it: up to an hour old. Refusal 400 for a currency without a rate. */
  exchangeRate(from: string, to: string): number {
    const load = () => this.#rates.rate(from, to);
    const rate = this.caching ? this.#rateCache.read(`${from}:${to}`, this.#now(), rateCacheMs / this.timeScale, load) : load();
    if (rate === undefined) throw new Refusal(400, `Exchange rate not available for ${from} to ${to}`);
    return rate;
  }

  /** As the endpoint shows it: up to a minute old. */
  availability(): CountryAvailability[] {
    const load = () => this.#board.list();
    return this.caching ? this.#availabilityCache.read('all', this.#now(), availabilityCacheMs / this.timeScale, load) : load();
  }

  /** One row a currency, summed over its countries; or one row a country, so that a currency comes several times. */
  balance(application: Application, rows: BalanceRows = 'per_currency'): BalanceRow[] {
    const groups = Map.groupBy(application.wallets, (wallet) =>
      rows === 'per_currency' ? wallet.currency : `${wallet.country}:${wallet.currency}`,
    );
    return [...groups.values()].map((wallets) => {
      const currency = wallets[0]?.currency ?? '';
      const sum = (pick: (wallet: Wallet) => bigint) =>
        Number(
          formatMinor(
            wallets.reduce((total, wallet) => total + pick(wallet), 0n),
            decimalsOf(currency),
          ),
        );
      return {
        currency,
        balance: sum((wallet) => wallet.balanceMinor),
        reservedBalance: sum((wallet) => wallet.reservedMinor),
        availableBalance: sum((wallet) => wallet.balanceMinor - wallet.reservedMinor),
      };
    });
  }

  /**
   * Moves money between two wallets of `application`, at the true rate of this moment, rounded down; both legs or none.
   * The checks in the order 400, 403, 404, 409, 422.
   */
  transfer(application: Application, body: unknown): TransferRecord {
    const request = readTransferRequest(body);
    if (request.applicationId !== application.id) throw new Refusal(403, 'Application does not belong to you');
    const source = walletOf(application.wallets, request.sourceCountry);
    const destination = walletOf(application.wallets, request.destinationCountry);
    const amountMinor = toMinor(request.amount, decimalsOf(source.currency));
    // Not documented: an amount finer than its currency could only be rounded, which no KPay answer shows.
    if (amountMinor === undefined) throw new Refusal(400, `amount has more decimals than ${source.currency}`);
    if (request.externalId !== null && application.heldIds.has(request.externalId)) {
      throw new Refusal(409, 'A transfer with this externalId already exists');
    }
    const exchangeRate = this.#rates.rate(source.currency, destination.currency);
    const rate = exchangeRate === undefined ? undefined : parseDecimal(exchangeRate);
    if (exchangeRate === undefined || !rate) throw new Refusal(400, 'Exchange rate not available');
    if (source.balanceMinor - source.reservedMinor < amountMinor) throw new Refusal(422, 'Insufficient funds');

    const destinationDecimals = decimalsOf(destination.currency);
    const creditMinor = convertMinor(amountMinor, decimalsOf(source.currency), rate, destinationDecimals);
    const transfer: TransferRecord = {
      sequence: this.#sequence + 1,
      id: uuidFrom(`transfer ${this.#seed} ${this.#sequence + 1}`),
      applicationId: application.id,
      externalId: request.externalId,
      description: request.description,
      status: 'COMPLETED',
      sourceCountry: source.country,
      sourceCurrency: source.currency,
      destinationCountry: destination.country,
      destinationCurrency: destination.currency,
      amount: formatMinor(amountMinor, decimalsOf(source.currency)),
      destinationAmount: formatMinor(creditMinor, destinationDecimals),
      exchangeRate,
      amountSent: request.amount,
      createdAt: new Date(this.#now()).toISOString(),
    };
    this.#commit({ type: 'transfer_applied', transfer });
    return transfer;
  }

  /** Takes an externalId for a call that is still running; false when it is held already. Forgotten by a restart. */
  holdId(application: Application, externalId: string): boolean {
    if (application.heldIds.has(externalId)) return false;
    application.heldIds.set(externalId, 'running');
    return true;
  }

  /** Gives back an externalId that `holdId` took. */
  releaseId(application: Application, externalId: string): void {
    if (application.heldIds.get(externalId) === 'running') application.heldIds.delete(externalId);
  }

  /** From now on the id is answered 409, though no transfer has it. */
  burnId(application: Application, externalId: string): void {
    this.#commit({ type: 'id_burnt', applicationId: application.id, externalId });
  }

  /** Adds an application. Refusal 409 when its key or id is there already. */
  addApplication(spec: ApplicationSpec): Application {
    const application = openApplication(spec);
    if (this.#byKey.has(application.apiKey)) throw new Refusal(409, 'apiKey: there is an application with this key');
    if (this.#byId.has(application.id)) throw new Refusal(409, 'id: there is an application with this id');
    this.#commit({ type: 'application_added', application: spec });
    return this.#byKey.get(application.apiKey) ?? application;
  }

  /** The application is known by these keys from now on; a key of another application may be taken once that has a new one. */
  rotateKeys(application: Application, keys: { apiKey: string; secretKey: string }): void {
    const holder = this.#byKey.get(keys.apiKey);
    if (holder && holder !== application) throw new Refusal(409, 'apiKey: there is an application with this key');
    this.#commit({ type: 'keys_rotated', applicationId: application.id, ...keys });
  }

  /** Sets one wallet, or makes it. Its reserve is set too: to nothing unless given. */
  setBalance(application: Application, spec: WalletSpec): Wallet {
    const wallet = openWallet(spec);
    const decimals = decimalsOf(wallet.currency);
    this.#commit({
      type: 'balance_set',
      applicationId: application.id,
      country: wallet.country,
      currency: wallet.currency,
      balance: formatMinor(wallet.balanceMinor, decimals),
      reservedBalance: formatMinor(wallet.reservedMinor, decimals),
    });
    return wallet;
  }

  /** The transfer ends as FAILED or CANCELLED: the money goes back and its externalId is free again. */
  undoTransfer(id: string, status: 'FAILED' | 'CANCELLED'): void {
    const transfer = this.#transfersById.get(id);
    if (transfer?.status !== 'COMPLETED') throw new Refusal(404, 'id: no completed transfer has it');
    this.#commit({ type: 'transfer_undone', id, status });
  }

  /** `keepCache`: the endpoint goes on showing the old rate until its hour is over, while transfers use the new one. */
  setRate(from: string, to: string, rate: number, keepCache: boolean): void {
    this.#commit({ type: 'rate_set', from, to, rate });
    if (!keepCache) this.#rateCache.clear();
  }

  /** `keepCache`: the endpoint goes on showing the old status until its minute is over. Any text can be a status. */
  setAvailability(country: string, provider: string, operationType: string, status: string, keepCache: boolean): void {
    this.#commit({ type: 'availability_set', country, provider, operationType, status });
    if (!keepCache) this.#availabilityCache.clear();
  }

  /** Back to the opening: applications stay, with the wallets they were opened with; all that happened since is gone. */
  reset(): void {
    this.#commit({ type: 'reset' });
    this.#rateCache.clear();
    this.#availabilityCache.clear();
  }

  #commit(event: TruthEvent): void {
    this.#record(event);
    this.apply(event);
  }

  /** Makes an event of a journal true again, without recording it. */
  apply(event: TruthEvent): void {
    switch (event.type) {
      case 'application_added':
        this.#specs.push(event.application);
        this.#open(event.application);
        break;
      case 'keys_rotated':
        this.#applyKeys(event);
        break;
      case 'balance_set':
        this.#applyBalance(event);
        break;
      case 'transfer_applied':
        this.#applyTransfer(event.transfer);
        break;
      case 'transfer_undone':
        this.#applyUndo(event.id, event.status);
        break;
      case 'id_burnt':
        this.#owner(event.applicationId).heldIds.set(event.externalId, 'burnt');
        break;
      case 'rate_set':
        this.#rates.set(event.from, event.to, event.rate);
        break;
      case 'availability_set':
        this.#board.set(event.country, event.provider, event.operationType, event.status);
        break;
      case 'reset':
        this.transfers.length = 0;
        this.#byKey.clear();
        this.#transfersById.clear();
        this.#rates.reset();
        this.#board.reset();
        for (const spec of this.#specs) this.#open(spec);
        break;
    }
  }

  #open(spec: ApplicationSpec): void {
    const application = openApplication(spec);
    this.#byKey.set(application.apiKey, application);
    this.#byId.set(application.id, application);
  }

  #applyKeys({ applicationId, apiKey, secretKey }: Extract<TruthEvent, { type: 'keys_rotated' }>): void {
    const application = this.#owner(applicationId);
    this.#byKey.delete(application.apiKey);
    application.apiKey = apiKey;
    application.secretKey = secretKey;
    this.#byKey.set(apiKey, application);
  }

  #applyBalance(event: Extract<TruthEvent, { type: 'balance_set' }>): void {
    const application = this.#owner(event.applicationId);
    const set = openWallet(event);
    const wallet = application.wallets.find((each) => each.country === set.country && each.currency === set.currency);
    if (!wallet) {
      application.wallets.push(set);
      return;
    }
    wallet.fundedMinor += set.balanceMinor - wallet.balanceMinor;
    wallet.balanceMinor = set.balanceMinor;
    wallet.reservedMinor = set.reservedMinor;
  }

  #applyTransfer(transfer: TransferRecord): void {
    const application = this.#owner(transfer.applicationId);
    this.#sequence = transfer.sequence;
    this.transfers.push(transfer);
    this.#transfersById.set(transfer.id, transfer);
    if (transfer.externalId !== null) application.heldIds.set(transfer.externalId, 'active');
    moveMoney(application.wallets, transfer, 1n);
  }

  #applyUndo(id: string, status: 'FAILED' | 'CANCELLED'): void {
    const transfer = this.#transfersById.get(id);
    if (!transfer) throw new Error(`no transfer ${id} to undo`);
    const application = this.#owner(transfer.applicationId);
    transfer.status = status;
    if (transfer.externalId !== null) application.heldIds.delete(transfer.externalId);
    moveMoney(application.wallets, transfer, -1n);
  }

  #owner(applicationId: string): Application {
    const application = this.#byId.get(applicationId);
    if (!application) throw new Error(`no application ${applicationId}`);
    return application;
  }
}
