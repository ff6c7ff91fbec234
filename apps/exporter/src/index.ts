export { type ExporterOptions, type RunningExporter, startExporter } from './start-exporter.ts';
