import { invalidParameter } from './parse-query.ts';

/**
 * The version in an If-Match header such as `"3"`; undefined without the header and for `*`. A weak tag is accepted
 * too: a proxy that compresses answers makes our tags weak, but the version in it is still exact.
 *
 * @throws Problem (400)
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const [, version] = /^(?:W\/)?"(\d{1,9})"$/.exec(header.trim()) ?? [];
  if (version === undefined) throw invalidParameter('If-Match', 'must be the ETag of a transfer, such as "3", or *');
  return Number(version);
}
