import { createHmac, createSecretKey, hkdfSync, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_CHARACTERS = 10;
// 43 of 62: 256 bits.
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const FORM = new RegExp(
  `^kops_([0-9A-Za-z]{${ID_CHARACTERS}})_[0-9A-Za-z]{${SECRET_CHARACTERS}}([0-9A-Za-z]{${CHECKSUM_CHARACTERS}})$`,
);

/** A new key, `kops_<id>_<secret><checksum>`: the prefix and the checksum let a leaked one be told from noise. */
export function makeApiKey(): { id: string; key: string } {
  const id = randomText(ID_CHARACTERS);
  const body = `kops_${id}_${randomText(SECRET_CHARACTERS)}`;
  return { id, key: body + checksum(body) };
}

/** The id in a key, or undefined when it cannot be one: mistyped, cut off, or something else. */
export function idOfApiKey(key: string): string | undefined {
  const [, id, sum] = FORM.exec(key) ?? [];
  return sum !== undefined && checksum(key.slice(0, -CHECKSUM_CHARACTERS)) === sum ? id : undefined;
}

/**
 * Makes what turns a key into what is stored of it: an HMAC, so that a copy of the ledger alone proves no guess.
 *
 * @param secret KPAY_KEYS_SECRET or, without it, the bootstrap token: whoever changes it makes all keys invalid.
 */
export function createKeyHasher(secret: string): (key: string) => Buffer {
  // Made once: a key given as bytes is made anew for each use.
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
