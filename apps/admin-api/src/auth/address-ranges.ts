import { BlockList, isIPv6 } from 'node:net';

/** Whether a text is a valid address range such as `10.0.0.0/8`, or a single address. */
export function isAddressRange(range: string): boolean {
  try {
    addressesIn([range]);
    return true;
  } catch {
    return false;
  }
}

/** Whether an address is in one of the ranges. */
export function isAddressIn(ranges: readonly string[], address: string): boolean {
  // A dual-stack socket shows IPv4 addresses as ::ffff:10.0.0.1.
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return addressesIn(ranges).check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}

/** Whether all addresses of a range are in another range. */
export function liesWithin(range: string, another: string): boolean {
  const inner = partsOf(range);
  return inner.bits >= partsOf(another).bits && addressesIn([another]).check(inner.address, inner.family);
}

function addressesIn(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const { address, family, prefix } = partsOf(range);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, prefix, family);
  }
  return list;
}

/**
 * Parses a range. `bits` is the length of the prefix as IPv6 counts it: an IPv4 address also belongs to ::ffff:0:0/96.
 */
function partsOf(range: string): { address: string; family: 'ipv4' | 'ipv6'; prefix: number | undefined; bits: number } {
  const [address = '', digits, ...more] = range.split('/');
  if (more.length > 0) throw new RangeError(`${range} is not an address range`);
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  // All callers refuse -1.
  const prefix = digits === undefined ? undefined : /^\d{1,3}$/.test(digits) ? Number(digits) : -1;
  const length = family === 'ipv6' ? 128 : 32;
  return { address, family, prefix, bits: (prefix ?? length) + 128 - length };
}
