import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Router } from 'express';
import helmet from 'helmet';

/**
 * @param folder the folder of the page's files, relative to the page. A trailing slash in the page's own address
 *   changes it.
 */
const pageWith = (folder: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>KPay treasury operations: API reference</title>
<link rel="icon" href="${folder}favicon-32x32.png">
<link rel="stylesheet" href="${folder}swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="${folder}swagger-ui-bundle.js"></script>
<script src="${folder}start.js"></script>
</body>
</html>
`;
// The document is beside the script's folder, whatever path a proxy puts before both.
const start = `const url = new URL('../openapi.json', document.currentScript.src).href;
SwaggerUIBundle({ url, dom_id: '#reference', deepLinking: true, tryItOutEnabled: true });\n`;

/**
 * Serves a page on which people read and try /openapi.json. Everything is served from here; nothing is loaded from
 * elsewhere.
 */
export function referencePage(): Router {
  const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const router = Router();
  router.use(
    helmet({
      contentSecurityPolicy: {
        directives: {
          imgSrc: ["'self'", 'data:'],
          // Over plain HTTP, as on a developer's machine, there is no https to upgrade to.
          upgradeInsecureRequests: null,
        },
      },
    }),
  );
  router.get('/', (request, response) => {
    const [path = ''] = request.originalUrl.split('?');
    response.type('html').send(pageWith(path.endsWith('/') ? '' : 'docs/'));
  });
  router.get('/start.js', (_request, response) => void response.type('js').send(start));
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']) {
    router.get(`/${file}`, (_request, response) => response.sendFile(file, { root: assets }));
  }
  return router;
}
