import { buildPackage } from '../../scripts/build-package.mjs';

const unused = (what) => `module.exports = () => { throw new Error('${what} is not part of @kpay/core'); };`;

// Of undici only what exchange.ts uses: a client of HTTP/1.1 with text bodies, straight or through a proxy.
await buildPackage({
  instead: {
    'undici/index.js': `
      export { default as Pool } from './lib/dispatcher/pool.js';
      export { default as ProxyAgent } from './lib/dispatcher/proxy-agent.js';
    `,
    'undici/lib/dispatcher/client-h2.js': unused('HTTP/2'),
    'undici/lib/web/fetch/body.js': unused('a body of a form'),
    'undici/lib/web/fetch/formdata.js': '',
    'undici/lib/web/webidl/index.js': 'module.exports.webidl = { is: { FormData: () => false } };',
  },
});
