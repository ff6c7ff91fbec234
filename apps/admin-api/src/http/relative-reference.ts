import type { Request } from 'express';

/**
 * A path of this API, such as `/v1/pauses/1`, as a reference relative to the request's own address (RFC 9110, 10.2.2).
 * A proxy that serves the API below a path of its own strips that path, so only a relative reference is right on both sides.
 */
export function relativeReference({ originalUrl }: Pick<Request, 'originalUrl'>, path: string): string {
  const asked = originalUrl.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  const folders = Math.max(asked.split('/').length - 2, 0);
  return '../'.repeat(folders) + path.slice(1);
}
