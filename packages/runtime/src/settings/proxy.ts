import { isIP } from 'node:net';
import { SettingsError } from './setting-values.ts';

/** The proxy through which an address is reached. */
export interface Proxy {
  /** With its user and password, if it has them. */
  url: string;
  /** The variable that names it. */
  setting: string;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/**
 * The environment's proxy for an address, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY as curl reads them, lower-case names
 * first. This machine itself is never reached through a proxy.
 *
 * @param variables trimmed, without blank ones.
 * @throws SettingsError when the value is no address of a proxy. It may hold a password and is not shown.
 */
export function proxyOf(variables: Readonly<Record<string, string | undefined>>, address: string): Proxy | undefined {
  const { protocol, hostname, port } = new URL(address);
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const setting = [name.toLowerCase(), name].find((each) => variables[each] !== undefined);
  const given = setting === undefined ? undefined : variables[setting];
  if (setting === undefined || given === undefined || LOOPBACK.test(hostname)) return undefined;
  const noProxy = variables.no_proxy ?? variables.NO_PROXY ?? '';
  if (isLeftOut(hostname, port || (protocol === 'https:' ? '443' : '80'), noProxy)) return undefined;
  const url = URL.parse(given.includes('://') ? given : `http://${given}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '' || !isEncoded(url)) {
    throw new SettingsError(`${setting} must be the address of a proxy such as http://proxy.example:3128`);
  }
  return { url: url.href, setting };
}

/** Whether user and password can be decoded. */
function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Whether NO_PROXY names a host: `*`, the host itself, or a domain that contains it, each with or without a port. */
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
