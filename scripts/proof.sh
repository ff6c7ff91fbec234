#!/usr/bin/env bash
# npm run proof: the proofs at their full sizes (.ci/sizes), one after the other; hours on two cores. CI runs smaller ones.
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/sizes full
export KPAY_TEST_STRICT=1
KPAY_TEST_KILLS=$kills npm run --silent test:processes
export KPAY_TEST_SOAK_TRANSFERS=$soak_transfers
KPAY_TEST_SOAK=1 npm test --silent -- soak
KPAY_TEST_SOAK=1 node scripts/with-toolchain.mjs env KPAY_TEST_STORES=local vitest run apps/worker/test/soak.test.ts
npm run --silent simulate -- "$lives"
npm run --silent mutations -- "${mutations[@]}"
npm run --silent until-known -- "$known"
KPAY_CHAOS_TRANSFERS=$chaos_transfers npm run --silent chaos:processes
KPAY_FAILOVERS=$failovers npm run --silent chaos:failovers
npm run --silent fuzz -- "$fuzz_requests"
