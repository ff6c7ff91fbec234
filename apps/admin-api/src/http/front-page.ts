import { countries, currenciesOf } from '@kpay/core';
import { Router } from 'express';
import helmet from 'helmet';

/** The links of the page. The paths are relative, so they also work below a proxy's path. */
const PLACES: readonly [name: string, path: string, about: string][] = [
  ['docs', 'docs', 'The API, to read and to try'],
  ['openapi', 'openapi.json', 'The API as an OpenAPI 3.1 document'],
  ['queues', 'queues', 'The queues: any name, a key with the scopes control and read as the password'],
  ['metrics', 'metrics', 'Metrics for Prometheus'],
  ['health', 'healthz', 'Whether this process runs'],
  ['ready', 'readyz', 'Whether this process can do its work'],
];

const page = (board: boolean) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>KPay treasury operations</title>
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<h1>KPay treasury operations</h1>
<p>This is the admin API. It moves money between the wallets of a KPay account, each transfer once.</p>
<ul>
${placesOf(board)
  .map(([, path, about]) => `<li><a href="${path}">/${path}</a>: ${about}</li>`)
  .join('\n')}
</ul>
<h2>Look a transfer up</h2>
<p>The answer 202 holds the transfer's <code>id</code>, and its address in <code>Location</code>: <code>GET v1/transfers/{id}</code>.
By your own id: <code>GET v1/transfers?externalId=…</code>.</p>
<h2>Countries</h2>
<ul>
${countries.map((country) => `<li><code>${country}</code>: ${currenciesOf(country).join(', ')}</li>`).join('\n')}
</ul>
</body>
</html>
`;

/** Serves `/`: a page for people, links for programs. It contains no secret and runs no script. */
export function frontPage({ board }: { board: boolean }): Router {
  const html = page(board);
  const links = Object.fromEntries(placesOf(board).map(([name, path]) => [name, path]));
  const router = Router();
  const strict = helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      imgSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
  router.get('/', strict, (request, response) => {
    response.vary('accept');
    if (request.accepts(['json', 'html']) === 'html') response.type('html').send(html);
    else response.json({ name: 'KPay treasury operations', links, countries });
  });
  return router;
}

function placesOf(board: boolean): typeof PLACES {
  return PLACES.filter(([name]) => board || name !== 'queues');
}
