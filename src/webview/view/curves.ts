// The curves, or the same numbers as a table; which of them is the person's choice and is remembered.
import { hasValues } from "../curves";
import { isRunning, type PanelState } from "../state";
import { createButton } from "../toolkit";
import type { Host } from "../vscode";
import { createChart } from "./chart";
import { h, setVisible, type View } from "./dom";
import { createEpochTable } from "./epochs";
import { METRICS } from "./metric";
import { onThemeChange } from "./theme";

export function createCurves(host: Host): View<PanelState> {
  const charts = METRICS.map((metric) => ({
    metric,
    chart: createChart(metric, !metric.percent && host.choices().logarithmicLoss),
  }));
  const table = createEpochTable();
  const grid = h("div", { class: "charts" }, ...charts.map(({ chart }) => chart.element));
  const asTable = createButton(
    "Show as Table",
    () => {
      host.choose({ curvesAsTable: !host.choices().curvesAsTable });
      if (state) update(state);
    },
    "quiet",
  );
  const logarithmic = createButton(
    "Logarithmic Loss",
    () => {
      host.choose({ logarithmicLoss: !host.choices().logarithmicLoss });
      if (state) update(state);
    },
    "quiet",
  );
  const element = h(
    "div",
    { class: "curves" },
    grid,
    table.element,
    h("div", { class: "tools" }, logarithmic.element, asTable.element),
  );
  let state: PanelState | null = null;
  onThemeChange(() => charts.forEach(({ chart }) => chart.redraw()));

  function update(next: PanelState): void {
    state = next;
    const choices = host.choices();
    const none = next.curves.length === 0;
    // Nothing was drawn and nothing will be: two empty frames would only be in the way.
    setVisible(element, !none || isRunning(next));
    const tabular = choices.curvesAsTable && !none;
    setVisible(grid, !tabular);
    setVisible(table.element, tabular);
    setVisible(asTable.element, !none);
    setVisible(logarithmic.element, !none && !tabular);
    asTable.set({ label: tabular ? "Show Curves" : "Show as Table" });
    logarithmic.set({ pressed: choices.logarithmicLoss });
    if (tabular) return table.update(next.curves);
    for (const { metric, chart } of charts) {
      // Without labels there is no accuracy; until an epoch is over nobody knows.
      setVisible(chart.element, none || hasValues(next.curves, metric.train));
      if (!metric.percent) chart.setLogarithmic(choices.logarithmicLoss);
      chart.update(next);
    }
  }
  return { element, update };
}
