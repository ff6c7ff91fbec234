export { type App, openApp } from './open-app.ts';
export {
  epochFile,
  openEmbeddedStores,
  openProductionStores,
} from './open-stores.ts';
export { openSystem, type System } from './open-system.ts';
export { runApp } from './run-app.ts';
