// The metrics that are drawn: one line here is one more chart.
import { column, type Curves } from "../curves";
import { formatNumber, formatOf, formatPercent } from "../format";

export interface Metric {
  readonly title: string;
  readonly train: "loss" | "accuracy";
  readonly validation: "validationLoss" | "validationAccuracy";
  /** A share between 0 and 1, written in percent. */
  readonly percent: boolean;
}

export const METRICS: readonly Metric[] = [
  { title: "Loss", train: "loss", validation: "validationLoss", percent: false },
  { title: "Accuracy", train: "accuracy", validation: "validationAccuracy", percent: true },
];

export function formatMetric(metric: Metric, value: number | null | undefined): string {
  return metric.percent ? formatPercent(value) : formatNumber(value);
}

/** Three columns for uPlot. A logarithm has no place for zero. */
export function chartData(
  metric: Metric,
  curves: Curves,
  logarithmic: boolean,
): [number[], (number | null)[], (number | null)[]] {
  const series = (name: Metric["train"] | Metric["validation"]) => {
    const values = column(curves, name);
    if (!logarithmic) return values as (number | null)[];
    return values.map((value) => (value !== null && value > 0 ? value : null));
  };
  return [column(curves, "x") as number[], series(metric.train), series(metric.validation)];
}

/** What the picture says, for those who do not see it. */
export function describe(metric: Metric, curves: Curves): string {
  const last = curves.length - 1;
  if (last < 0) return `${metric.title}: no epoch yet`;
  const at = (name: Metric["train"] | Metric["validation"], i: number) =>
    formatMetric(metric, curves.columns[name][i]);
  const validation = curves.columns[metric.validation][last];
  const span = `from ${at(metric.train, 0)} to ${at(metric.train, last)}`;
  const tail = validation === null ? "" : `, validation ${at(metric.validation, last)}`;
  return `${metric.title} over ${formatOf(curves.length, "epoch")}: training ${span}${tail}. Show as Table lists the values.`;
}
