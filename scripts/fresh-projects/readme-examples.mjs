import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tools.mjs';

/** What stands before an example that uses one of these without making it. */
const MADE_BEFORE = {
  kpay: {
    before: "import { Kpay as KpayOfTheReadme } from '@kpay/core';\nconst kpay = new KpayOfTheReadme();\n",
    after: '\nawait kpay.close();\n',
  },
  producer: {
    before:
      "import { createProducer as producerOfTheReadme } from '@kpay/producer';\nconst producer = producerOfTheReadme({ account: 'default', connection: process.env.REDIS_URL ?? '' });\n",
    after: '\nawait producer.close();\n',
  },
};

/** Every block of TypeScript in a README, as programs that run alone. */
export function examplesOf(folder) {
  const text = readFileSync(join(root, folder, 'README.md'), 'utf8');
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], at) => {
    const line = text.slice(0, text.indexOf(code)).split('\n').length;
    const isTest = /from 'vitest'/.test(code);
    return {
      name: `${name}-${at + 1}${isTest ? '.test' : ''}.ts`,
      where: `${folder}/README.md:${line}`,
      isTest,
      code,
      program: programOf(code),
    };
  });
}

function programOf(code) {
  const missing = Object.entries(MADE_BEFORE).filter(
    ([name]) => new RegExp(`\\b${name}\\.`).test(code) && !new RegExp(`\\b(const|let|using) ${name}\\b`).test(code),
  );
  return [...missing.map(([, { before }]) => before), code, ...missing.map(([, { after }]) => after)].join('');
}

/** What the comments behind `console.log(…); // …` say is printed, in order. */
export function saidBy(code) {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, said]) => said);
}
