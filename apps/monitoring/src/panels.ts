import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { BigValueColorMode, BigValueGraphMode, type DataSourceRef, VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  SpecialValueMatch,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StatusHistoryBuilder } from '@grafana/grafana-foundation-sdk/statushistory';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One expression and the name of its lines; `{{label}}` stands for a label. */
export interface Query {
  expr: string;
  legend: string;
}

export interface PanelSettings {
  title: string;
  /** What a person should see in it. */
  description: string;
  queries: readonly Query[];
  unit?: string;
  /** Of 24 columns. */
  span?: number;
}

/** Grey: an unknown value is neither good nor bad. */
export const UNKNOWN = '#808080';

/** The colour from this value on. Below the first value, and without data, it is grey. */
export type Steps = readonly { value: number; color: 'green' | 'orange' | 'red' | 'blue' }[];

/** The Prometheus chosen by the dashboard's variable. */
const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '$datasource' };
const LINES_HEIGHT = 8;
const STAT_HEIGHT = 4;

/** Lines over time. With `exemplars`, points link to traces if Prometheus keeps them. */
export function lines(settings: PanelSettings & { exemplars?: boolean }): Builder<Panel> {
  const panel = new TimeseriesBuilder()
    .datasource(DATASOURCE)
    .title(settings.title)
    .description(settings.description)
    .unit(settings.unit ?? 'short')
    .min(0)
    .height(LINES_HEIGHT)
    .span(settings.span ?? 12)
    .fillOpacity(10)
    .showPoints(VisibilityMode.Never);
  for (const target of targetsOf(settings, settings.exemplars ?? false)) panel.withTarget(target);
  return panel;
}

/** The latest value, large, in the colour of its step. */
export function stat(settings: PanelSettings & { steps: Steps; none?: string }): Builder<Panel> {
  const panel = new StatBuilder()
    .datasource(DATASOURCE)
    .title(settings.title)
    .description(settings.description)
    .unit(settings.unit ?? 'short')
    .height(STAT_HEIGHT)
    .span(settings.span ?? 4)
    .noValue(settings.none ?? '–')
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(settings.steps))
    .mappings([
      {
        type: MappingType.SpecialValue,
        options: { match: SpecialValueMatch.NullAndNan, result: { text: settings.none ?? '–', color: UNKNOWN, index: 0 } },
      },
    ]);
  for (const target of targetsOf(settings, false)) panel.withTarget(target);
  return panel;
}

/** A heat map with a row for each series, coloured by its value. */
export function heatMap(
  settings: PanelSettings & { meanings: Readonly<Record<number, { text: string; color: string }>>; height: number },
): Builder<Panel> {
  const options = Object.fromEntries(
    Object.entries(settings.meanings).map(([value, meaning], index) => [value, { ...meaning, index }]),
  );
  const panel = new StatusHistoryBuilder()
    .datasource(DATASOURCE)
    .title(settings.title)
    .description(settings.description)
    .height(settings.height)
    .span(settings.span ?? 24)
    .showValue(VisibilityMode.Never)
    .mappings([{ type: MappingType.ValueToText, options }])
    .maxDataPoints(120);
  for (const target of targetsOf(settings, false)) panel.withTarget(target);
  return panel;
}

export interface DashboardSettings {
  uid: string;
  title: string;
  description: string;
  rows: readonly { title: string; panels: readonly Builder<Panel>[] }[];
}

/** A dashboard with a choice of accounts and links to the others. */
export function dashboard({ uid, title, description, rows }: DashboardSettings): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['kpay'])
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('account')
        .label('Account')
        .datasource(DATASOURCE)
        .query('label_values(kpay_up, account)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue('.+')
        .current({ text: 'All', value: '$__all' }),
    )
    .link(new DashboardLinkBuilder('KPay').type(DashboardLinkType.Dashboards).tags(['kpay']).keepTime(true).includeVars(true));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  return builder.build();
}

function thresholds(steps: Steps): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: UNKNOWN }, ...steps]);
}

function targetsOf({ queries }: PanelSettings, exemplars: boolean): Builder<Dataquery>[] {
  return queries.map(({ expr, legend }, index) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(legend);
    return exemplars ? query.exemplar(true) : query;
  });
}
