/** The oldest Node that this package is tested on; `engines` in package.json says the same. */
const OLDEST = [22, 19] as const;

// Looked at when the package is loaded: on an older Node it would fail later, somewhere else. In a browser there is no Node.
const version = typeof process === 'undefined' ? undefined : process.versions?.node;
const [major = 0, minor = 0] = version?.split('.').map(Number) ?? OLDEST;
const tooOld = `@kpay/core needs Node ${OLDEST.join('.')} or later, and this is Node ${version}.`;
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) throw new Error(tooOld);
