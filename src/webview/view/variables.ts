// What training did to each variable: nothing at all to a frozen one, and how far it moved the others.
import type { VariableOutcome } from "../../protocol/run";
import { formatNumber, formatShape } from "../format";
import type { PanelState } from "../state";
import { isBroken } from "../words";
import { h, onChange, section, setVisible, type Child, type View } from "./dom";
import { icon } from "./icons";
import { createTable } from "./table";

const LIMIT = 100;

export function createVariables(): View<PanelState> {
  const table = createTable<VariableOutcome>({
    caption: "Variables: what training changed",
    limit: LIMIT,
    rowClass: (row) => (isBroken(row) ? "broken" : ""),
    columns: [
      { title: "variable", cell: (row) => breakable(row.name) },
      { title: "shape", numeric: true, optional: true, cell: (row) => formatShape(row.shape) },
      { title: "state", cell: stateCell },
      { title: "largest change", numeric: true, cell: (row) => change(row, row.maxChange) },
      {
        title: "mean change",
        numeric: true,
        optional: true,
        cell: (row) => change(row, row.meanChange),
      },
    ],
  });
  const element = section("Variables", table.element);
  const update = onChange((variables: readonly VariableOutcome[]) => {
    setVisible(element, variables.length > 0);
    table.update(variables);
  });
  return { element, update: (state) => update(state.variables) };
}

function stateCell(row: VariableOutcome): Child {
  if (isBroken(row)) return h("span", { class: "bad" }, icon("warning"), "frozen, yet changed");
  if (row.keptUnchanged)
    return h("span", {}, icon("check"), "trained in part, the rest unchanged bit for bit");
  if (!row.frozen) return row.unchanged ? "trained, unchanged" : "trained";
  const words = row.unchanged ? "unchanged bit for bit" : "frozen, new from an edit";
  return h(
    "span",
    { class: row.unchanged ? "good" : "" },
    icon(row.unchanged ? "check" : "lock"),
    words,
  );
}

/** Long names break after a slash, where a reader would break them. */
function breakable(name: string): HTMLElement {
  const parts = name.split(/(?<=\/)/);
  return h("span", {}, ...parts.flatMap((part) => [part, h("wbr")]));
}

function change(row: VariableOutcome, value: number): string {
  return row.unchanged ? "0" : formatNumber(value);
}
