import type { Registry } from 'prom-client';
import { isHostAllowed, WRONG_HOST } from '../http/allowed-host.ts';
import { type HttpHandler, sendText } from '../http/start-http.ts';
import type { WebConfig } from '../settings/web-config.ts';
import { chooseFormat, contentTypeOf, type MetricsFormat, renderMetrics } from './render-metrics.ts';

export interface ServeMetricsOptions {
  registry: Registry;
  /** Who may scrape; everybody by default. */
  web?: WebConfig | undefined;
  /** Text to append to the registry's metrics, in the same format. */
  more?: (format: MetricsFormat) => Promise<string>;
}

/** Makes the handler of /metrics: the text format, or OpenMetrics with exemplars for a scraper that asks for it. */
export function serveMetrics({ registry, web, more = async () => '' }: ServeMetricsOptions): HttpHandler {
  return async (request, response) => {
    if (!isHostAllowed(request, web?.allowedHosts)) return sendText(response, 421, WRONG_HOST);
    if (web && !(await web.admits(request.headers.authorization, request.socket.remoteAddress))) {
      return sendText(response, 401, 'unauthorized\n', { 'www-authenticate': web.challenge });
    }
    const format = chooseFormat(request.headers.accept);
    const text = (await renderMetrics(registry, format)) + (await more(format)) + (format === 'openmetrics' ? '# EOF\n' : '');
    response.writeHead(200, { 'content-type': contentTypeOf(format) }).end(text);
  };
}
