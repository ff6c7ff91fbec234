import { freePort } from './free-port.ts';
import { type Unavailable, unavailable } from './own-server.ts';
import { findProgram, runLocal } from './run-local.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A page in a real browser. */
export interface BrowserPage {
  /** Opens an address with these headers on every request of the page. */
  open(url: string, headers?: Record<string, string>): Promise<void>;
  /** The value of an expression in the page; a promise is awaited. */
  read(expression: string): Promise<unknown>;
  /** A PNG of the visible page. */
  screenshot(): Promise<Buffer>;
  /** Errors and refusals in the browser's console since the last `open`. */
  complaints(): readonly string[];
}

export interface Browser {
  page: BrowserPage;
  stop(): Promise<void>;
}

/** Starts Chromium without a window, driven by its DevTools protocol. */
export async function startBrowser(): Promise<Browser | Unavailable> {
  const program = findProgram(['chromium', 'chromium-browser', 'google-chrome'], ['/usr/bin']);
  if (program === undefined) return unavailable('there is no chromium on PATH');
  const port = await freePort();
  const folder = temporaryFolder();
  const server = await runLocal({
    // The sandbox does not work as root in a container. Only our own pages are opened.
    command: [
      program,
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      `--remote-debugging-port=${port}`,
      `--user-data-dir=${folder.path}`,
      '--window-size=1280,1000',
      'about:blank',
    ],
    port,
    url: `http://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    removeData: folder.remove,
    readyText: 'DevTools listening on',
  });
  const targets = (await (await fetch(`${server.url}/json/list`)).json()) as { type: string; webSocketDebuggerUrl: string }[];
  const target = targets.find(({ type }) => type === 'page');
  if (!target) throw new Error('the browser shows no page');
  const { page, close } = await connect(target.webSocketDebuggerUrl);
  return {
    page,
    async stop() {
      close();
      await server.stop();
    },
  };
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

async function connect(url: string): Promise<{ page: BrowserPage; close(): void }> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  let complaints: string[] = [];
  let loaded = Promise.withResolvers<void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as Message;
    if (id !== undefined) {
      if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result ?? {});
      waiting.delete(id);
    }
    if (method === 'Page.loadEventFired') loaded.resolve();
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params));
    const entry = params?.entry as { level: string } | undefined;
    if (method === 'Log.entryAdded' && entry?.level === 'error') complaints.push(JSON.stringify(params));
  });
  const send = (method: string, params: Record<string, unknown> = {}) => {
    last += 1;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(last, answer);
    socket.send(JSON.stringify({ id: last, method, params }));
    return answer.promise;
  };
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
  const page: BrowserPage = {
    async open(address, headers = {}) {
      complaints = [];
      loaded = Promise.withResolvers<void>();
      await send('Network.setExtraHTTPHeaders', { headers });
      await send('Page.navigate', { url: address });
      await loaded.promise;
    },
    async read(expression) {
      const { result, exceptionDetails } = await send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: unknown }).value;
    },
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
    complaints: () => complaints,
  };
  return { page, close: () => socket.close() };
}
