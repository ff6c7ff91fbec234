import type { Request } from 'express';

/**
 * Converts a path of this API, such as `/v1/pauses/1`, to a reference relative to the request's own address (RFC 9110,
 * 10.2.2). A proxy may serve the API below its own path and strip that path. Then only a relative reference is right on
 * both sides.
 */
export function relativeReference({ originalUrl }: Pick<Request, 'originalUrl'>, path: string): string {
  const asked = originalUrl.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  const folders = Math.max(asked.split('/').length - 2, 0);
  return '../'.repeat(folders) + path.slice(1);
}
