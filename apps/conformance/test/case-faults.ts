import type { CaseFault, Passing } from './faulty-kpay.ts';

type Fields = Record<string, unknown>;

/** The field at `path` becomes `value`; `*` is the first item of a list; undefined leaves the field out. */
function set(path: string, value: unknown, nth = 1): CaseFault {
  return {
    what: value === undefined ? `without ${path}` : `${path}: ${JSON.stringify(value)}`,
    nth,
    rewrite: ({ json }) => {
      const names = path.split('.').map((name) => (name === '*' ? '0' : name));
      const last = names.pop() ?? '';
      const parent = names.reduce((inner, name) => inner[name] as Fields, json as Fields);
      parent[last] = value;
    },
  };
}

const drop = (path: string, nth = 1) => set(path, undefined, nth);

/** Errors are the simulator's own fault; another success has to be written over. */
function status(code: number, nth = 1): CaseFault {
  const what = `status ${code}`;
  if (code >= 400) return { what, nth, simulator: { kind: 'status', status: code } };
  return { what, nth, rewrite: (answer) => Object.assign(answer, { status: code }) };
}

function body(what: string, json: unknown): CaseFault {
  return { what, rewrite: (answer) => Object.assign(answer, { json }) };
}

function rewrite(what: string, change: (answer: Passing) => void, nth = 1): CaseFault {
  return { what, nth, rewrite: change };
}

const unknownEnum: CaseFault = { what: 'enums nobody documented', simulator: { kind: 'unknown_enum' } };
const htmlPage: CaseFault = { what: 'a page of HTML with status 201', nth: 2, simulator: { kind: 'html', status: 201 } };

/** For each case that can be tried, the fault that breaks it. */
export const caseFaults: Readonly<Record<string, CaseFault>> = {
  'key.prefix': set('environment', 'PRODUCTION'),
  'key.missing': status(200),
  'key.wrong-secret': status(403),
  'error.envelope': drop('error'),
  'error.message': set('message', { text: 'wrong' }),
  'error.message-list': set('message', 'one text'),
  'body.unknown-field': status(201),
  'limit.requests': rewrite('200 for every 429', (answer) => Object.assign(answer, { status: 200 }), 0),
  'limit.retry-after': rewrite('Retry-After: soon', ({ headers }) => Object.assign(headers, { 'retry-after': 'soon' }), 0),

  'me.status': status(201),
  'me.application.id': set('application.id', 'my-application'),
  'me.application.name': drop('application.name'),
  'me.company.id': set('company.id', 17),
  'me.company.name': drop('company.name'),
  'me.environment': unknownEnum,

  'token.status': status(200),
  'token.no-body': status(400),
  'token.access-token': set('accessToken', 'opaque'),
  'token.expires-in': set('expiresIn', 1800),
  'token.environment': unknownEnum,
  'token.claims': set('accessToken', `e30.${Buffer.from('{"sub":"nobody"}').toString('base64url')}.AAAA`),
  'token.missing': status(403),
  'token.wrong': status(403),

  'exchange-rate.status': status(201),
  'exchange-rate.from': set('from', 'xaf'),
  'exchange-rate.to': drop('to'),
  'exchange-rate.rate': set('rate', '1.0153'),
  'exchange-rate.same-currency': set('rate', 1.01),
  'exchange-rate.other-currencies': status(400),
  'exchange-rate.from-required': status(200),
  'exchange-rate.to-required': status(422),
  'exchange-rate.no-quote': set('expiresAt', '2026-11-24T00:00:00Z'),

  'predict-provider.status': status(200),
  'predict-provider.country': set('country', 'CM'),
  'predict-provider.provider': set('provider', 'MTN Cameroon'),
  'predict-provider.normalised': set('phoneNumber', '+237653456789'),
  'predict-provider.national': status(400),
  'predict-provider.invalid': status(201),
  'predict-provider.unknown': status(404),
  'predict-provider.keys': status(403),
  'predict-provider.sandbox-only': status(201),
  ...Object.fromEntries(
    ['BEN', 'CMR', 'CIV', 'COD', 'GAB', 'KEN', 'COG', 'RWA', 'SEN', 'SLE', 'UGA', 'ZMB'].map((country, index) => [
      `sandbox-number.${country}`,
      index % 2 === 0 ? set('country', 'GHA') : status(400),
    ]),
  ),

  'sandbox-number.page-sample-CMR': set('country', 'GHA'),
  'sandbox-number.page-sample-ZMB': status(400),

  'availability.status': status(201),
  'availability.list': body('an object', { countries: [] }),
  'availability.country': set('*.country', 'CM'),
  'availability.providers': drop('*.providers'),
  'availability.provider': set('*.providers.*.provider', 5),
  'availability.operation-types': set('*.providers.*.operationTypes', {}),
  'availability.operation-type': set('*.providers.*.operationTypes.*.operationType', 'REFUND'),
  'availability.operation-status': set('*.providers.*.operationTypes.*.status', 'MAINTENANCE'),
  'catalogue.countries': rewrite('without a country', ({ json }) => (json as unknown[]).shift()),
  'catalogue.providers': set('*.providers.*.provider', 'MTN_MOMO_GHA'),

  'balance.status': status(201),
  'balance.list': body('an object', { wallets: [] }),
  'balance.currency': set('*.currency', 'F CFA'),
  'balance.balance': set('*.balance', '150000'),
  'balance.reservedBalance': drop('*.reservedBalance'),
  'balance.availableBalance': set('*.availableBalance', null),
  'balance.difference': set('*.reservedBalance', 25_000),
  'balance.no-country': set('*.country', 'CMR'),
  'balance.same-currency': set('*.balance', 5, 3),

  'transfer.status': status(200),
  'transfer.page-body': status(202),
  'transfer.description': status(202),
  'transfer.company-id': status(201),
  'transfer.same-country': status(201),
  'transfer.minimum': status(422),
  'transfer.maximum': status(422),
  'transfer.application-missing': status(403),
  'transfer.application-foreign': status(404),
  'transfer.no-wallet': status(400),
  'transfer.funds': status(400, 2),
  'transfer.external-id': status(201, 2),

  'receipt.id': drop('id'),
  ...Object.fromEntries(
    ['sourceTransaction', 'destinationTransaction'].flatMap((leg) => [
      [`receipt.${leg}.id`, drop(`${leg}.id`)],
      [`receipt.${leg}.reference`, drop(`${leg}.reference`)],
      [`receipt.${leg}.type`, unknownEnum],
      [`receipt.${leg}.amount`, set(`${leg}.amount`, 99)],
      [`receipt.${leg}.currency`, set(`${leg}.currency`, 'XOF')],
      [`receipt.${leg}.country`, set(`${leg}.country`, 'SEN')],
    ]),
  ),
  'receipt.exchangeRate': set('exchangeRate', '1'),
  'receipt.description': set('description', null),
  'receipt.externalId': drop('externalId'),
  'receipt.createdAt': set('createdAt', 'yesterday'),
  'receipt.status': set('status', 'COMPLETED'),
  'receipt.fee': set('fee', 0),

  'client.me': unknownEnum,
  'client.token': drop('accessToken'),
  'client.exchange-rate': drop('rate'),
  'client.predict-provider': set('confidence', 0.9),
  'client.availability': unknownEnum,
  'client.balance': drop('*.availableBalance'),
  'client.transfer': htmlPage,
};
