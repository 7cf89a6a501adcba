/**
 * The text of a scrape, by prom-client. Each has a registry of its own: no label of a former one stays, and prom-client's counters, whose names it
 * changes when it is asked for OpenMetrics, cannot spoil the next answer in plain text.
 */
import { Counter, Gauge, type Histogram, type OpenMetricsContentType, Registry, type RegistryContentType } from 'prom-client';
import type { Labels } from './counts.ts';

/** One value of one metric. */
export interface Point {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
  readonly value: number;
}

/** Prometheus' own text, or OpenMetrics. */
export type Form = 'text' | 'openmetrics';

export interface Exposition {
  readonly type: string;
  readonly body: string;
}

const openMetrics: OpenMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** What a scraper prefers: Prometheus asks for OpenMetrics first, a browser does not know it. */
export const formFor = (accept: string | undefined): Form => (accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'text');

export async function expose(points: readonly Point[], histograms: readonly Histogram<string>[], form: Form): Promise<Exposition> {
  const registry = new Registry<RegistryContentType>();
  if (form === 'openmetrics') registry.setContentType(openMetrics);
  const puts = new Map<string, Put>();
  for (const point of points) {
    const put = puts.get(point.name) ?? createMetric(point, registry);
    puts.set(point.name, put);
    put(point.labels, point.value);
  }
  for (const histogram of histograms) registry.registerMetric(histogram);
  return { type: registry.contentType, body: await registry.metrics() };
}

type Put = (labels: Labels, value: number) => void;

function createMetric({ kind, name, help, labels }: Point, registry: Registry<RegistryContentType>): Put {
  const about = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (kind === 'gauge') {
    const gauge = new Gauge(about);
    return (given, value) => gauge.set(given, value);
  }
  const counter = new Counter(about);
  return (given, value) => counter.inc(given, value);
}
