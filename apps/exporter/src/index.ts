export { openExporter } from './run-exporter.ts';
export { type ExporterOptions, type RunningExporter, startExporter } from './start-exporter.ts';
