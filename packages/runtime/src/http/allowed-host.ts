import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

/**
 * Whether content without credentials may be served for a request's host name. A page in a browser can point its own
 * host name at an address of this machine and read whatever is served. But no page can use `localhost` or an IP address
 * as its name. So requests over the loopback must use one of these, unless the web config allows further names.
 */
export function isHostAllowed(request: IncomingMessage, allowed: readonly string[] | undefined): boolean {
  const given = request.headers.host;
  // Browsers always send this header.
  if (given === undefined) return true;
  if (!allowed && !LOOPBACK.test(request.socket.localAddress ?? '')) return true;
  const name = URL.parse(`http://${given}`)?.hostname.replace(/\.$/, '') ?? '';
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true;
  return allowed?.some((each) => each.toLowerCase() === name) ?? false;
}

export const WRONG_HOST = 'not served under this host name: allowed_hosts of KPAY_WEB_CONFIG_FILE lists the allowed names\n';
