import { writeFileSync } from 'node:fs';
import { transferQueueName } from '@kpay/producer';
import { openQueues } from '@kpay/runtime';
import { type Browser, eventually, type OwnServer, startBrowser, startNginx, type Unavailable } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBoardQueues } from '../src/index.ts';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { logger, openTestLedger } from './test-ledger.ts';

const browser = await startBrowser();
// The upstream is not running yet; this only checks that nginx is available.
const probe = await startNginx('http://127.0.0.1:9');
if (!('unavailable' in probe)) await probe.stop();
const missing = [browser, probe].flatMap((each) => ('unavailable' in each ? [each.unavailable] : []));
afterAll(async () => {
  if (!('unavailable' in browser)) await browser.stop();
});
if (missing.length > 0) it.skip(`cannot run here: ${missing.join(', ')}`);

const authorization = { authorization: `Bearer ${adminToken}` };
const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

describe.skipIf(missing.length > 0)('behind nginx at /kpay/, in a browser', () => {
  let api: RunningApi;
  let nginx: OwnServer;
  let page: Browser['page'];
  beforeAll(async () => {
    const opened = await openTestLedger();
    const queues = await openQueues({ store: { kind: 'embedded', database: opened.database }, logger });
    const stop = async () => {
      await queues.close();
      await opened.stop();
    };
    api = await startApi({ ...opened, stop }, [], { queues: openBoardQueues(['default'], queues.queue) });
    nginx = present(await startNginx(api.url));
    page = present(browser).page;
  }, 60_000);
  afterAll(async () => {
    await nginx.stop();
    await api.close();
  });

  it('a Location leads back to the transfer, and a tag that gzip made weak is taken', async () => {
    const made = await fetch(`${nginx.url}/v1/transfers`, {
      method: 'POST',
      headers: { ...authorization, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(made.status).toBe(202);
    const place = new URL(String(made.headers.get('location')), made.url).href;
    expect(place).toContain(`${nginx.url}/v1/transfers/`);
    const seen = await fetch(place, { headers: { ...authorization, 'accept-encoding': 'gzip' } });
    expect(seen.status).toBe(200);
    const tag = String(seen.headers.get('etag'));
    expect(tag).toBe('W/"1"');
    const cancelled = await fetch(`${place}/cancel`, { method: 'POST', headers: { ...authorization, 'if-match': tag } });
    expect(cancelled.status).toBe(200);
  });

  it.each(['/docs', '/docs/'])('%s shows the operations, and Execute makes a transfer', async (path) => {
    await api.empty();
    await page.open(nginx.url + path);
    await eventually(async () => expect(await page.read(`document.querySelectorAll('.opblock').length`)).toBeGreaterThan(20));
    await keep(`docs${path.length}`);
    await press('.btn.authorize');
    await fill('.auth-container input', adminToken);
    await press('.auth-btn-wrapper .authorize');
    await press('.btn-done');
    await press('#operations-transfers-createTransfer .opblock-summary-control');
    const prefilled = `document.querySelector('#operations-transfers-createTransfer textarea')?.value ?? ''`;
    await eventually(async () => expect(await page.read(prefilled)).toContain('first-transfer'));
    await press('#operations-transfers-createTransfer .execute');
    const answered = `document.querySelector('#operations-transfers-createTransfer .live-responses-table tbody')?.innerText`;
    await eventually(async () => expect((await page.read(answered)) ?? '').toContain('202'), { timeoutMs: 10_000 });
    await keep(`executed${path.length}`);
    expect(api.notified).toHaveLength(1);
    // Includes the icon: a browser asks for one outside of the prefix when the page names none.
    expect(page.complaints()).toEqual([]);
  });

  it('an EventSource follows with a stream token, and misses nothing after a break', async () => {
    await page.open(`${nginx.url}/docs`);
    const follow = (query: string) =>
      page.read(`(async () => {
        const headers = { authorization: 'Bearer ${adminToken}' };
        const { token } = await (await fetch('v1/stream-tokens', { method: 'POST', headers })).json();
        window.seen = [];
        window.stream = new EventSource('v1/stream?token=' + token + ${query});
        window.stream.onmessage = ({ lastEventId, data }) => {
          window.last = lastEventId;
          window.seen.push(JSON.parse(data).transferId);
        };
        await new Promise((opened) => { window.stream.onopen = opened; });
      })()`);
    const make = async (externalId: string) => {
      const headers = { ...authorization, 'content-type': 'application/json' };
      const answer = await fetch(`${nginx.url}/v1/transfers`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ ...request, externalId }),
      });
      return ((await answer.json()) as { id: string }).id;
    };
    await follow("''");
    const first = await make('stream-1');
    await eventually(async () => expect(await page.read('window.seen')).toEqual([first]));
    await page.read('window.stream.close()');
    const meanwhile = await make('stream-2');
    await follow("'&after=' + window.last");
    await eventually(async () => expect(await page.read('window.seen')).toEqual([meanwhile]));
    await page.read('window.stream.close()');
    expect(page.complaints()).toEqual([]);
  });

  it.each(['/queues', '/queues/', `/queues/queue/${transferQueueName('default')}`])('%s shows the queues', async (path) => {
    const basic = { authorization: `Basic ${Buffer.from(`anybody:${adminToken}`).toString('base64')}` };
    await page.open(nginx.url + path, basic);
    await eventually(async () => expect(await page.read('document.body.innerText')).toContain(transferQueueName('default')), {
      timeoutMs: 10_000,
    });
    await keep(path.replaceAll('/', '-').slice(1, 16));
    const links = (await page.read(`[...document.querySelectorAll('a[href]')].map((a) => a.href)`)) as string[];
    const own = links.filter((link) => link.includes(new URL(nginx.url).host));
    expect(own.length).toBeGreaterThan(0);
    for (const link of own) expect(link).toContain(`${nginx.url}/queues`);
    expect(await page.read('document.body.innerText')).not.toMatch(/no workers/i);
    const icons = (await page.read(`[...document.querySelectorAll('link[rel*=icon]')].map((icon) => icon.href)`)) as string[];
    for (const icon of icons) expect(icon).toMatch(new RegExp(`^${nginx.url}/queues/static/`));
  });

  async function press(selector: string): Promise<void> {
    await eventually(async () => {
      const pressed = await page.read(
        `(() => { const it = document.querySelector('${selector}'); it?.click(); return !!it; })()`,
      );
      expect(pressed, selector).toBe(true);
    });
  }

  async function fill(selector: string, text: string): Promise<void> {
    await eventually(async () => {
      // Like typing: React notices only values that are set through the element's own setter.
      const filled = await page.read(`(() => {
        const it = document.querySelector('${selector}');
        if (!it) return false;
        Object.getOwnPropertyDescriptor(Object.getPrototypeOf(it), 'value').set.call(it, ${JSON.stringify(text)});
        it.dispatchEvent(new Event('input', { bubbles: true }));
        return true;
      })()`);
      expect(filled, selector).toBe(true);
    });
  }

  /** For people who want to see the page. */
  async function keep(name: string): Promise<void> {
    const folder = process.env.KPAY_TEST_SCREENSHOTS;
    if (folder !== undefined) writeFileSync(`${folder}/${name}.png`, await page.screenshot());
  }
});

function present<T extends object>(it: T | Unavailable): T {
  if ('unavailable' in it) throw new Error(it.unavailable);
  return it;
}
