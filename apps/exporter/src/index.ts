export { openExporter } from './run-exporter.ts';
export { type ExporterOptions, startExporter } from './start-exporter.ts';
