import { countries } from './catalogue.ts';

/** The operators of a country, as the endpoint shows them. */
export interface CountryAvailability {
  country: string;
  providers: { provider: string; operationTypes: { operationType: string; status: string }[] }[];
}

const operationTypes = ['DEPOSIT', 'PAYOUT', 'REMITTANCE'];

/** What does not start as OPERATIONAL: as KPay's page shows it, and one closed, so that a dashboard shows all three statuses. */
const unwell: Readonly<Record<string, string>> = {
  'ORANGE_CMR:PAYOUT': 'DELAYED',
  'VODAFONE_GHA:PAYOUT': 'DELAYED',
  'ZAMTEL_ZMB:PAYOUT': 'CLOSED',
};

/** The true status of every provider. Any text is accepted, because the real KPay may send undocumented statuses. */
export class AvailabilityBoard {
  #countries = initialBoard();

  list(): CountryAvailability[] {
    return structuredClone(this.#countries);
  }

  set(country: string, provider: string, operationType: string, status: string): void {
    const countryRow = findOrAdd(this.#countries, (row) => row.country === country, { country, providers: [] });
    const providerRow = findOrAdd(countryRow.providers, (row) => row.provider === provider, { provider, operationTypes: [] });
    findOrAdd(providerRow.operationTypes, (row) => row.operationType === operationType, { operationType, status }).status =
      status;
  }

  reset(): void {
    this.#countries = initialBoard();
  }
}

function initialBoard(): CountryAvailability[] {
  return countries.map(({ code, operators }) => ({
    country: code,
    providers: operators.map(({ provider }) => ({
      provider,
      operationTypes: operationTypes.map((operationType) => ({
        operationType,
        status: unwell[`${provider}:${operationType}`] ?? 'OPERATIONAL',
      })),
    })),
  }));
}

function findOrAdd<T>(rows: T[], matches: (row: T) => boolean, fresh: T): T {
  const found = rows.find(matches);
  if (found) return found;
  rows.push(fresh);
  return fresh;
}
