import { type Case, exhaustsLimit, expectStatus, fieldAt, isObject, isText, outcomeOf, reads, show, untried } from '../case.ts';
import type { Answer, Kpay } from '../kpay.ts';

const path = '/api/v1/payments/predict-provider';
const askBadly = (kpay: Kpay) => kpay.ask({ method: 'POST', path, body: { phoneNumber: 'not a number' } });

/** More than the documented limit, so that a missing limit is noticed. */
const mostRequests = 130;

/** Sends requests until the limit refuses one. `passed` counts the requests before that. */
async function exhaust(kpay: Kpay): Promise<{ refusal: Answer | undefined; passed: number }> {
  let passed = 0;
  while (passed < mostRequests) {
    const ten = Array.from({ length: 10 }, () => kpay.ask({ method: 'GET', path: '/api/v1/payments/me' }));
    const answers = await Promise.all(ten);
    passed += answers.filter(({ status }) => status !== 429).length;
    const refusal = answers.find(({ status }) => status === 429);
    if (refusal) return { refusal, passed };
  }
  return { refusal: undefined, passed };
}

/** Contract: "Everywhere". */
export const everywhereCases: readonly Case[] = [
  untried('base-url', 'page', 'KPay answers at https://admin.kpay.site.', 'the suite uses the address that it is given'),
  reads('key.prefix', 'page', 'The prefix of the API key picks the environment.', async (kpay) => {
    const { json, status } = await kpay.ask({ method: 'GET', path: '/api/v1/payments/me' });
    const seen = fieldAt(json, 'environment');
    // One client saw LIVE instead of PRODUCTION. Another case tests the name.
    const names = kpay.environment === 'TEST' ? ['TEST'] : ['PRODUCTION', 'LIVE'];
    return outcomeOf(names.includes(String(seen)), `status ${status}, ${kpay.environment} key, environment ${show(seen)}`);
  }),
  reads('key.missing', 'page', 'Without keys the answer is 401.', async (kpay) =>
    expectStatus(await kpay.send({ method: 'GET', path: '/api/v1/payments/me' }), 401),
  ),
  reads('key.wrong-secret', 'page', 'With another secret the answer is 401.', async (kpay) => {
    const headers = { 'x-api-key': kpay.keys.apiKey, 'x-secret-key': '0'.repeat(64) };
    return expectStatus(await kpay.send({ method: 'GET', path: '/api/v1/payments/me', headers }), 401);
  }),
  untried('key.secret-shape', 'docs', 'A secret starts sk_test_ or sk_live_.', 'others were seen; nothing may depend on it'),
  untried('key.secret-bare', 'wild', 'A secret can be 64 bare hex characters.', 'one pair of keys cannot show it'),

  reads('error.envelope', 'docs', 'An error is {statusCode, message, error}.', async (kpay) => {
    const { status, json } = await askBadly(kpay);
    const fields = isObject(json) ? json : {};
    const whole = fields.statusCode === status && fields.message !== undefined && isText(fields.error);
    return outcomeOf(status >= 400 && whole, `status ${status}, fields ${Object.keys(fields).join(', ')}`);
  }),
  reads('error.message', 'wild', "An error's message is a text or a list of texts.", async (kpay) => {
    const { status, json } = await askBadly(kpay);
    const message = fieldAt(json, 'message');
    const holds = isText(message) || (Array.isArray(message) && message.every(isText));
    return outcomeOf(status >= 400 && holds, Array.isArray(message) ? `a list of ${message.length}` : `a ${typeof message}`);
  }),
  reads(
    'error.message-list',
    'wild',
    'A body with a field of the wrong type is answered with a list of messages.',
    async (kpay) => {
      const { status, json } = await kpay.ask({ method: 'POST', path, body: { phoneNumber: 5 } });
      const message = fieldAt(json, 'message');
      return outcomeOf(Array.isArray(message), `status ${status}, ${Array.isArray(message) ? 'a list' : `a ${typeof message}`}`);
    },
  ),
  untried(
    'error.more-fields',
    'wild',
    'An error can carry more fields, such as code and path.',
    'their absence would show nothing',
  ),
  untried('error.language', 'wild', 'Messages can be in French.', 'nothing may depend on the text'),
  untried('error.gateway', 'wild', 'A 502, 503 or 504 can carry text or HTML.', 'KPay cannot be asked for one'),
  reads('body.unknown-field', 'wild', 'A field that is not documented is refused with 400.', async (kpay) => {
    const body = { phoneNumber: '237653456789', conformance: true };
    return expectStatus(await kpay.ask({ method: 'POST', path, body }), 400);
  }),
  untried('network.ipv6', 'wild', 'Connects by IPv6 can time out where IPv4 works.', "it depends on the caller's network"),

  exhaustsLimit('limit.requests', 'docs', 'More than 100 requests of a key in a minute are answered 429.', async (kpay) => {
    const { refusal, passed } = await exhaust(kpay);
    return outcomeOf(
      refusal !== undefined && passed <= 100,
      refusal ? `429 after ${passed} more` : `no 429 in ${passed} requests`,
    );
  }),
  exhaustsLimit(
    'limit.retry-after',
    'docs',
    'Retry-After of a 429, when there, is a number of seconds or a date.',
    async (kpay) => {
      const { refusal, passed } = await exhaust(kpay);
      if (!refusal) return { kind: 'not tried', why: `no 429 in ${passed} requests` };
      const value = refusal.headers.get('retry-after');
      return outcomeOf(
        value === null || /^\d+$/.test(value) || !Number.isNaN(Date.parse(value)),
        `Retry-After: ${value ?? 'absent'}`,
      );
    },
  ),
  untried('limit.shared', 'docs', 'All processes that use a key share its limit.', 'the suite is one process'),
];
