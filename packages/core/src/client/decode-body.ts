import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const DECODERS: ReadonlyMap<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer> = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['br', brotliDecompressSync],
  ['deflate', inflateSync],
  ['identity', (bytes: Buffer) => bytes],
]);

/** No answer carries more codings than one; some more are undone, and not as many as somebody likes. */
const MAX_CODINGS = 3;

/**
 * The text of an answer's body, without a byte order mark. We ask for no compression, but whoever stands between KPay and us
 * may answer with one.
 * @returns undefined when it is not what its content-encoding says, or longer than `maxBytes`.
 */
export function decodeBody(body: Buffer, encoding: string | string[] | undefined, maxBytes: number): string | undefined {
  const codings = String(encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '');
  if (codings.length > MAX_CODINGS) return undefined;
  let bytes = body;
  for (const coding of codings.reverse()) {
    const decode = DECODERS.get(coding);
    if (!decode) return undefined;
    try {
      bytes = decode(bytes, { maxOutputLength: maxBytes });
    } catch {
      return undefined;
    }
  }
  return new TextDecoder().decode(bytes);
}
