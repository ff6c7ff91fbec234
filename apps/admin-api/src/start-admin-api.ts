import { createHttpServer, listen } from '@kpay/runtime';
import { type AdminApiOptions, createAdminApi } from './admin-api.ts';

export interface RunningAdminApi {
  url: string;
  /** Accepts no more requests and waits for those under way. */
  close(): Promise<void>;
}

// A client that sends its headers slower than this only occupies a connection.
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Serves the admin API.
 *
 * @param options `port` is ADMIN_API_PORT; 0 takes any free one. `keepAliveMs` is how long an idle connection is kept;
 *   65 s by default.
 * @throws StartError when it cannot listen.
 */
export async function startAdminApi(
  options: AdminApiOptions & { host: string; port: number; keepAliveMs?: number },
): Promise<RunningAdminApi> {
  const timeouts = {
    // Both count from the first byte of a request, not while a connection is idle.
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(options.keepAliveMs !== undefined && { keepAliveTimeout: options.keepAliveMs }),
  };
  const stopping = new AbortController();
  const app = createAdminApi({ ...options, stopping: stopping.signal });
  const server = createHttpServer({ ...timeouts, tls: options.web?.tls }, app);
  const { host, port } = options;
  const { url, close } = await listen(server, { host, port, portSetting: 'ADMIN_API_PORT' });
  return {
    url,
    close() {
      stopping.abort();
      return close();
    },
  };
}
