export default { test: { include: ['kpay.vitest.mjs'] } };
