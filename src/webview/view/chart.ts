// One metric: its heading with the current numbers (or those under the pointer), and the drawing.
import { axisEnd, column, hasValues, pointAt, type Curves } from "../curves";
import { formatCount, formatPhase } from "../format";
import { plannedEpochs, isRunning, type PanelState } from "../state";
import { h, onChange, setAttribute, setText, setVisible, type View } from "./dom";
import { chartData, describe, formatMetric, type Metric } from "./metric";
import { createPlot, resizePlot } from "./plot";

interface Chart extends View<PanelState> {
  redraw(): void;
  setLogarithmic(on: boolean): void;
}

/** A screen reader that reads the picture should not be interrupted by each epoch. */
const DESCRIBED_EVERY = 2000;

export function createChart(metric: Metric, logarithmicAtFirst: boolean): Chart {
  const at = h("p", { class: "plot-at muted", "aria-hidden": "true" });
  const train = key("train", "train");
  const validation = key("validation", "validation");
  const canvas = h("div", { class: "plot", role: "img" });
  const waiting = h("p", { class: "plot-waiting muted" }, "Drawn from the first epoch on.");
  const element = h(
    "section",
    { class: "chart" },
    h(
      "div",
      { class: "chart-head" },
      h("h2", {}, metric.title),
      h("div", { class: "keys" }, train.element, validation.element),
    ),
    h("div", { class: "plot-frame" }, canvas, waiting),
    at,
  );

  let state: PanelState | null = null;
  let logarithmic = logarithmicAtFirst;
  let pointed: number | null = null;
  let describedAt = -Infinity;
  let plot = make();
  new ResizeObserver(() => resizePlot(plot, canvas.clientWidth)).observe(canvas);

  function make() {
    return createPlot(canvas, {
      percent: metric.percent,
      logarithmic,
      end: () => (state ? xEnd(state) : 1),
      borders: () => (state ? borders(state) : []),
      onPoint: (index) => {
        pointed = index;
        if (state) showNumbers(state);
      },
    });
  }

  function showNumbers({ curves, phaseCount }: PanelState): void {
    const index = pointed !== null && pointed < curves.length ? pointed : null;
    const point = curves.length > 0 ? pointAt(curves, index ?? curves.length - 1) : null;
    const phase = phaseCount > 1 ? `phase ${formatPhase(point?.phase ?? 0)} · ` : "";
    setText(at, index !== null && point ? `${phase}epoch ${formatCount(point.epoch)}` : "epoch");
    setText(train.value, formatMetric(metric, point?.[metric.train]));
    setText(validation.value, formatMetric(metric, point?.[metric.validation]));
  }

  const draw = onChange((curves: Curves, _end: number) => {
    plot.setData(chartData(metric, curves, logarithmic));
    setVisible(validation.element, hasValues(curves, metric.validation));
  });

  return {
    element,
    update: (next) => {
      const moving = isRunning(next) && state?.run.run === next.run.run;
      state = next;
      draw(next.curves, xEnd(next));
      showNumbers(next);
      element.classList.toggle("waiting", next.curves.length === 0);
      if (!moving || performance.now() - describedAt > DESCRIBED_EVERY) {
        describedAt = performance.now();
        setAttribute(canvas, "aria-label", describe(metric, next.curves));
      }
    },
    redraw: () => plot.redraw(),
    setLogarithmic: (on) => {
      if (on === logarithmic) return;
      logarithmic = on;
      plot.destroy();
      plot = make();
      if (state) plot.setData(chartData(metric, state.curves, logarithmic));
    },
  };
}

function key(kind: "train" | "validation", label: string) {
  const value = h("span", { class: "number" });
  const element = h(
    "span",
    { class: "key" },
    h("i", { class: `swatch ${kind}` }),
    label,
    " ",
    value,
  );
  return { element, value };
}

/** A run that is over has nothing left to come: its axis ends where it did. */
function xEnd(state: PanelState): number {
  const done = column(state.curves, "x").at(-1) ?? 0;
  return isRunning(state) || done === 0 ? axisEnd(done, plannedEpochs(state)) : done;
}

function borders(state: PanelState): { at: number; label: string }[] {
  return state.phases
    .filter((phase) => phase.start > 0)
    .map((phase) => ({ at: phase.start + 0.5, label: `phase ${formatPhase(phase.phase)}` }));
}
