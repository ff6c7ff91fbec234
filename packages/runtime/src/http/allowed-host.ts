import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

/**
 * Whether what needs no credentials may be told under the name that was asked for. A page in a browser can give its own name
 * an address of this machine and read what it likes: no page can take `localhost` or an address for its name. So, unless
 * names are allowed by the web config, what comes over the loopback must be asked for by one of these.
 */
export function isHostAllowed(request: IncomingMessage, allowed: readonly string[] | undefined): boolean {
  const given = request.headers.host;
  // Browsers always send it.
  if (given === undefined) return true;
  if (!allowed && !LOOPBACK.test(request.socket.localAddress ?? '')) return true;
  const name = URL.parse(`http://${given}`)?.hostname.replace(/\.$/, '') ?? '';
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true;
  return allowed?.some((each) => each.toLowerCase() === name) ?? false;
}

export const WRONG_HOST = 'not under this host name: allowed_hosts of KPAY_WEB_CONFIG_FILE says which there are\n';
