/**
 * What a process that a test starts takes over of this one's environment; its settings are the test's own. With the
 * compile cache (scripts/with-toolchain.mjs) each of the many starts costs half.
 */
export function machineEnv(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}
