// One uPlot drawing: axes, two lines, the borders between phases. Everything specific to uPlot is here.
import uPlot from "uplot";
import { formatTicks } from "../format";
import { palette } from "./theme";

interface PlotLook {
  readonly percent: boolean;
  readonly logarithmic: boolean;
  /** Where the epoch axis ends. */
  readonly end: () => number;
  /** Where a phase begins, on the epoch axis. */
  readonly borders: () => readonly { readonly at: number; readonly label: string }[];
  /** The point under the pointer; null when it leaves. */
  readonly onPoint: (index: number | null) => void;
}

const HEIGHT = 190;
const EPOCH_STEPS = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((e) => n * 10 ** e));

export function createPlot(target: HTMLElement, look: PlotLook): uPlot {
  const axis: uPlot.Axis = {
    stroke: () => palette().text,
    grid: { stroke: () => palette().grid, width: 1 },
    ticks: { show: false },
    font: palette().font,
    gap: 6,
  };
  const options: uPlot.Options = {
    width: Math.max(target.clientWidth, 200),
    height: HEIGHT,
    padding: [12, 18, 0, 0],
    legend: { show: false },
    // Dragging would zoom, and the next epoch would undo it.
    cursor: { drag: { x: false, y: false, setScale: false }, sync: { key: "epochs" }, y: false },
    scales: {
      x: { time: false, range: () => (look.end() <= 1 ? [0.5, 1.5] : [1, look.end()]) },
      y: { distr: look.logarithmic ? 3 : 1, range: yRange(look) },
    },
    axes: [
      { ...axis, size: 22, space: 48, incrs: EPOCH_STEPS.sort((a, b) => a - b), values: epochs },
      {
        ...axis,
        grid: {
          ...axis.grid,
          filter: (_plot, ticks) =>
            look.logarithmic ? ticks.map((tick) => (isRound(tick) ? tick : null)) : ticks,
        },
        space: 32,
        size: (_plot, labels) => 14 + 7 * Math.max(3, ...(labels ?? []).map((l) => l?.length ?? 0)),
        values: look.logarithmic
          ? (_plot, ticks) => ticks.map((tick) => (isRound(tick) ? roundWords(tick) : ""))
          : (_plot, ticks, _axis, _space, step) => formatTicks(ticks, step, look.percent),
      },
    ],
    series: [{}, line(() => palette().train), line(() => palette().validation, [5, 4])],
    hooks: {
      draw: [(plot) => drawBorders(plot, look)],
      setCursor: [(plot) => look.onPoint(plot.cursor.idx ?? null)],
    },
  };
  return new uPlot(options, [[], [], []], target);
}

export function resizePlot(plot: uPlot, width: number): void {
  if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
}

function line(stroke: () => string, dash: number[] = []): uPlot.Series {
  return { stroke, width: 1.5, dash, points: { size: 5, fill: stroke } };
}

function epochs(_plot: uPlot, ticks: number[]): string[] {
  return formatTicks(ticks, 1, false);
}

/** A logarithmic axis is written at 1, 2, 5, 10, 20…: at every tick it would be a smear. */
function isRound(tick: number): boolean {
  const mantissa = tick / 10 ** Math.floor(Math.log10(tick) + 1e-9);
  return [1, 2, 5].some((round) => Math.abs(mantissa - round) < 1e-6);
}

/** From zero where the values come halfway down to it, so that a falling curve does not rescale at each epoch. */
function yRange({ percent, logarithmic }: PlotLook): uPlot.Scale.Range {
  if (logarithmic) return (_plot, min, max) => [roundBelow(min ?? 0.1), roundAbove(max ?? 1)];
  return (_plot, min, max) => {
    if (min === null || max === null) return [0, 1];
    const fromZero = min >= 0 && min < max / 2;
    const [low, high] = uPlot.rangeNum(min, max, 0.1, true);
    if (!percent) return [fromZero ? 0 : low, high];
    return [fromZero ? 0 : Math.max(0, low ?? 0), 1];
  };
}

/** 0.5, 200, 2e-5: a round number needs no more digits than it has. */
function roundWords(tick: number): string {
  return tick < 0.001 ? tick.toExponential(0) : String(Number(tick.toPrecision(2)));
}

function roundBelow(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return magnitude * (value >= 5 * magnitude ? 5 : value >= 2 * magnitude ? 2 : 1);
}

/** Strictly above, so that a single value still has a range around it. */
function roundAbove(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return magnitude * (value < 2 * magnitude ? 2 : value < 5 * magnitude ? 5 : 10);
}

function drawBorders(plot: uPlot, { borders, percent: atBottom }: PlotLook): void {
  // Accuracy rises, loss falls: the label goes where the curve has left room.
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = palette().text;
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.font = palette().font.replace("11px", `${11 * ratio}px`);
  for (const { at, label } of borders()) {
    const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // The label stands on whichever side has room.
    const room = x + ctx.measureText(label).width + 6 * ratio < bbox.left + bbox.width;
    ctx.textAlign = room ? "left" : "right";
    ctx.textBaseline = atBottom ? "bottom" : "top";
    const y = atBottom ? bbox.top + bbox.height - 3 * ratio : bbox.top + 3 * ratio;
    ctx.fillText(label, x + (room ? 5 : -5) * ratio, y);
  }
  ctx.restore();
}
