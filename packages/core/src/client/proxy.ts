import { isIP } from 'node:net';
import { InvalidSettingsError } from '../errors.ts';

/** The proxy that an address is reached through. */
export interface Proxy {
  /** With its user and password, if it has them. */
  url: string;
  /** The variable that names it. */
  variable: string;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/**
 * The proxy of the environment for an address, as curl and others read HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in small letters
 * first. This machine itself is never reached through one.
 *
 * @throws InvalidSettingsError when it is no address of a proxy; its value may hold a password and is not shown.
 */
export function proxyOf(environment: Readonly<Record<string, string | undefined>>, address: string): Proxy | undefined {
  const { protocol, hostname, port } = new URL(address);
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = (variable: string): string | undefined => environment[variable]?.trim() || undefined;
  const variable = [name.toLowerCase(), name].find((each) => value(each) !== undefined);
  if (variable === undefined || LOOPBACK.test(hostname)) return undefined;
  const noProxy = value('no_proxy') ?? value('NO_PROXY') ?? '';
  if (isLeftOut(hostname, port || (protocol === 'https:' ? '443' : '80'), noProxy)) return undefined;
  return { url: parseProxy(value(variable) ?? '', variable), variable };
}

/** @throws InvalidSettingsError when it is no address of a proxy; it may hold a password and is not shown. */
export function parseProxy(text: string, named: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '' || !isEncoded(url)) {
    throw new InvalidSettingsError(`${named} must be the address of a proxy such as http://proxy.example:3128`);
  }
  return url.href;
}

/** Whether user and password can be read. */
function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Whether NO_PROXY names a host: `*`, the host, a domain it is in, each with or without a port. */
function isLeftOut(hostname: string, port: string, noProxy: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const bare = entry.replace(/^\[|\]$/g, '');
      const [, name = bare, itsPort] = isIP(bare) ? [] : (/^\[?(.+?)\]?:(\d+)$/.exec(entry) ?? []);
      if (itsPort !== undefined && itsPort !== port) return false;
      const domain = name.replace(/^\*?\./, '').replace(/\.$/, '');
      return name === '*' || host === domain || host.endsWith(`.${domain}`);
    });
}
