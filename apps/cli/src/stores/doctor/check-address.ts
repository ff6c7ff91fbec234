import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import type { Finding } from './finding.ts';

const CONNECT_WITHIN_MS = 3_000;

export interface Address {
  address: string;
  family: number;
}

type Resolve = (host: string) => Promise<Address[]>;

const resolveAll: Resolve = (host) => lookup(host, { all: true });

/** Whether KPay can be reached over each of IPv4 and IPv6 that its name has. */
export async function checkAddress(baseUrl: string, ipv4Only: boolean, resolve: Resolve = resolveAll): Promise<Finding> {
  const { hostname, host, port, protocol } = new URL(baseUrl);
  const check = `way to ${host}`;
  let addresses: Address[];
  try {
    addresses = await resolve(hostname.replace(/^\[|\]$/g, ''));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      check,
      verdict: 'wrong',
      what: `its name is not resolved (${why})`,
      fix: `getent ahosts ${hostname}   # check KPAY_BASE_URL and DNS`,
    };
  }
  const toPort = Number(port) || (protocol === 'https:' ? 443 : 80);
  const tried = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const own = addresses.filter((each) => each.family === family).map(({ address }) => address);
      const reached = await Promise.all(own.map((address) => canConnect(address, toPort)));
      return { family, has: own.length > 0, reached: reached.includes(true) };
    }),
  );
  return evaluate(check, tried, ipv4Only);
}

function evaluate(check: string, tried: { family: 4 | 6; has: boolean; reached: boolean }[], ipv4Only: boolean): Finding {
  const names = (which: typeof tried) => which.map(({ family }) => `IPv${family}`).join(' and ');
  const reached = tried.filter((each) => each.reached);
  const broken = tried.filter((each) => each.has && !each.reached && !(ipv4Only && each.family === 6));
  const usable = reached.filter(({ family }) => family === 4 || !ipv4Only);
  if (usable.length === 0) {
    const what = reached.length > 0 ? 'KPAY_IPV4_ONLY is set, but only IPv6 reaches it' : 'nothing there takes connections';
    return {
      check,
      verdict: 'wrong',
      what,
      fix: 'check KPAY_BASE_URL, KPAY_IPV4_ONLY, and what is between this machine and KPay',
    };
  }
  if (broken.length === 0) return { check, verdict: 'good', what: `over ${names(usable)}` };
  const onlySix = broken.some(({ family }) => family === 6);
  return {
    check,
    verdict: 'warning',
    what: `it has addresses of ${names(broken)} that do not answer: connecting takes longer, or times out now and then`,
    fix: onlySix ? 'set KPAY_IPV4_ONLY=1 for every process, or fix the IPv6 route' : 'fix the IPv4 route',
  };
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_WITHIN_MS });
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
