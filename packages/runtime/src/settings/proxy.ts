import { isIP } from 'node:net';
import { SettingsError } from './setting-values.ts';

/** The proxy that an address is reached through. */
export interface Proxy {
  /** With its user and password, if it has them. */
  url: string;
  /** Which variable names it. */
  setting: string;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/**
 * The proxy of the environment for an address, as curl and others read HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in small letters
 * first. This machine itself is never reached through one.
 *
 * @param variables trimmed, without blank ones.
 * @throws SettingsError when it is no address of a proxy; its value may hold a password and is not shown.
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
