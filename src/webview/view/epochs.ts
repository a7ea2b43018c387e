// The curves as a table, newest epoch first. Rows are added, not rebuilt: 10,000 epochs arrive one by one.
import { pointAt, type Curves, type Point } from "../curves";
import { formatCount, formatNumber, formatPercent, formatPhase } from "../format";
import { createButton } from "../toolkit";
import { h, setVisible, type View } from "./dom";
import { frame, tableRow, type TableOptions } from "./table";

/** Rows at first, and with each request for more: a table of 10,000 growing rows would stutter. */
const LIMIT = 100;
const MORE = 1000;

const OPTIONS: TableOptions<Point> = {
  caption: "Loss and accuracy of each epoch, newest first",
  limit: LIMIT,
  columns: [
    { title: "epoch", numeric: true, cell: (point) => formatCount(point.epoch) },
    { title: "phase", numeric: true, optional: true, cell: (point) => formatPhase(point.phase) },
    { title: "loss", numeric: true, cell: (point) => formatNumber(point.loss) },
    {
      title: "validation loss",
      numeric: true,
      cell: (point) => formatNumber(point.validationLoss),
    },
    { title: "accuracy", numeric: true, cell: (point) => formatPercent(point.accuracy) },
    {
      title: "validation accuracy",
      numeric: true,
      cell: (point) => formatPercent(point.validationAccuracy),
    },
  ],
};

export function createEpochTable(): View<Curves> {
  const body = h("tbody");
  const more = createButton(`Show ${formatCount(MORE)} More`, () => {
    limit += MORE;
    if (shown) rebuild(shown);
  });
  const element = h("div", { class: "table" }, frame(OPTIONS, body), more.element);
  let shown: Curves | null = null;
  let limit = LIMIT;

  function rebuild(curves: Curves): void {
    body.replaceChildren();
    addRows(curves, Math.max(0, curves.length - limit));
  }
  function addRows(curves: Curves, from: number): void {
    const rows: HTMLElement[] = [];
    for (let i = curves.length - 1; i >= from; i--)
      rows.push(tableRow(OPTIONS, pointAt(curves, i)));
    body.prepend(...rows);
    while (body.childElementCount > limit) body.lastElementChild?.remove();
    setVisible(more.element, curves.length > limit);
    shown = curves;
  }
  return {
    element,
    update: (curves) => {
      if (curves === shown) return;
      // A resumed run or another run has other columns; the same columns have only grown.
      const grown = shown !== null && shown.columns === curves.columns;
      if (grown && shown) addRows(curves, Math.max(shown.length, curves.length - limit));
      else rebuild(curves);
    },
  };
}
