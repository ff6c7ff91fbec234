import { createHmac, createSecretKey, hkdfSync, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_CHARACTERS = 10;
// 43 characters of an alphabet of 62 hold 256 bits.
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const FORM = new RegExp(
  `^kops_([0-9A-Za-z]{${ID_CHARACTERS}})_[0-9A-Za-z]{${SECRET_CHARACTERS}}([0-9A-Za-z]{${CHECKSUM_CHARACTERS}})$`,
);

/**
 * Makes a new key, `kops_<id>_<secret><checksum>`. The prefix and the checksum let a scanner recognise a leaked key.
 */
export function makeApiKey(): { id: string; key: string } {
  const id = randomText(ID_CHARACTERS);
  const body = `kops_${id}_${randomText(SECRET_CHARACTERS)}`;
  return { id, key: body + checksum(body) };
}

/** The id in a key; undefined when the text cannot be a key: mistyped, cut off, or something else. */
export function idOfApiKey(key: string): string | undefined {
  const [, id, sum] = FORM.exec(key) ?? [];
  return sum !== undefined && checksum(key.slice(0, -CHECKSUM_CHARACTERS)) === sum ? id : undefined;
}

/**
 * Makes the function that hashes a key for storage. It is an HMAC, so a copy of the ledger alone cannot be used to test
 * guesses.
 *
 * @param secret KPAY_KEYS_SECRET or, without it, the bootstrap token. Changing it makes all keys invalid.
 */
export function createKeyHasher(secret: string): (key: string) => Buffer {
  // Made once, because a key passed as bytes is converted anew for each use.
  const hmacKey = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'kpay-ops api keys', 32)));
  return (key) => createHmac('sha256', hmacKey).update(key).digest();
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let n = 0; n < CHECKSUM_CHARACTERS; n += 1) {
    text = ALPHABET[rest % ALPHABET.length] + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}
