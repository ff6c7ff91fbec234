import { invalidParameter } from './parse-query.ts';

/**
 * The version in an If-Match header such as `"3"`; undefined without one and for `*`. A weak tag is taken too: a proxy that
 * compresses answers makes one of ours weak, and the version in it is exact all the same.
 *
 * @throws Problem (400)
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const [, version] = /^(?:W\/)?"(\d{1,9})"$/.exec(header.trim()) ?? [];
  if (version === undefined) throw invalidParameter('If-Match', 'must be the ETag of a transfer, such as "3", or *');
  return Number(version);
}
