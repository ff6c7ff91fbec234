export { type App, openApp } from './open-app.ts';
export {
  epochFile,
  openEmbeddedStores,
  openProductionStores,
  type StoresOptions,
  type SystemStores,
} from './open-stores.ts';
export { openSystem, type System } from './open-system.ts';
export { type ProductionSettings, runApp } from './run-app.ts';
