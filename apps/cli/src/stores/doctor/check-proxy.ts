import { request } from 'node:http';
import { request as requestByTls } from 'node:https';
import type { Finding } from './finding.ts';

const ANSWER_WITHIN_MS = 5_000;

/** Whether the proxy of the environment opens a tunnel to KPay, or, where it forwards plain http, can be reached at all. */
export async function checkProxy(baseUrl: string, proxyUrl: string): Promise<Finding> {
  const { host, hostname, port, protocol } = new URL(baseUrl);
  const proxy = new URL(proxyUrl);
  const check = `way to ${host}`;
  const through = `through the proxy ${proxy.host}`;
  const isTunnel = protocol === 'https:';
  const fix = `curl -sv ${baseUrl}   # check HTTPS_PROXY, HTTP_PROXY, NO_PROXY, and what the proxy lets through`;
  try {
    const target = `${hostname}:${port || (isTunnel ? 443 : 80)}`;
    const status = await ask(proxy, isTunnel ? { method: 'CONNECT', path: target } : { method: 'HEAD', path: `${baseUrl}/` });
    if (isTunnel ? status === 200 : status !== 407) return { check, verdict: 'good', what: through };
    return { check, verdict: 'wrong', what: `${through}, which refuses it (${status})`, fix };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { check, verdict: 'wrong', what: `${through}, which does not answer (${why})`, fix };
  }
}

/** @returns the status that the proxy answers with. */
function ask({ protocol, hostname, port, username, password }: URL, asked: { method: string; path: string }): Promise<number> {
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return new Promise((resolve, reject) => {
    const asking = (protocol === 'https:' ? requestByTls : request)({
      ...asked,
      host: hostname.replace(/^\[|\]$/g, ''),
      ...(port !== '' && { port }),
      headers: { host: asked.path, ...(username !== '' && { 'proxy-authorization': `Basic ${credentials}` }) },
      timeout: ANSWER_WITHIN_MS,
    });
    const end = ({ statusCode = 0 }: { statusCode?: number | undefined }) => {
      resolve(statusCode);
      asking.destroy();
    };
    asking.once('connect', end).once('response', end);
    asking.once('timeout', () => asking.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1_000} s`)));
    asking.once('error', reject);
    asking.end();
  });
}
