/** Something that can be counted or measured, read when somebody asks. */
export interface Metric {
  /** In Prometheus' style: `patchbay_…`, with its unit, counters with `_total`. */
  readonly name: string;
  readonly help: string;
  /** A counter only grows while the process lives. */
  readonly kind: "counter" | "gauge";
  readonly read: () => number;
}

export interface MetricsText {
  /** The media type of the text. */
  readonly contentType: string;
  readonly text: string;
}

/**
 * Writes metrics in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats, 0.0.4). The package that
 * knows the format is loaded with the first call: most deployments are never asked.
 */
export async function writeMetrics(metrics: readonly Metric[]): Promise<MetricsText> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  // A registry of its own for each call: nothing is kept beside what the metrics' owners keep.
  const registry = new Registry();
  const registers = [registry];
  for (const { name, help, kind, read } of metrics) {
    if (kind === "counter") new Counter({ name, help, registers }).inc(read());
    else new Gauge({ name, help, registers }).set(read());
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
