// Where the run stands, in one line, with the buttons and a bar for all epochs.
import type { Host } from "../vscode";
import { recipeName } from "../format";
import { isRunning, progress, type PanelState } from "../state";
import { whereParts } from "../words";
import { createActions } from "./actions";
import { h, setAttribute, setText, setVisible, type View } from "./dom";
import { createProgress } from "./progress";

export function createHeader(host: Host): View<PanelState> {
  const name = h("h1", {});
  const where = h("p", { class: "where" });
  const actions = createActions(host);
  const bar = createProgress("Training");
  const element = h(
    "header",
    {},
    h("div", { class: "title" }, name, where),
    actions.element,
    bar.element,
  );
  return {
    element,
    update: (state) => {
      setText(name, recipeName(state.run.recipe));
      setAttribute(name, "title", state.run.recipe);
      const parts = whereParts(state);
      setParts(where, parts);
      setVisible(bar.element, isRunning(state));
      const waiting = state.activity === "preparing" || state.activity === "bottlenecks";
      const share = waiting && state.curves.length === 0 ? null : progress(state);
      bar.update({ share, words: parts.join(", ") });
      actions.update(state);
    },
  };
}

/** One element per part: a narrow panel breaks the line between parts, never inside one. */
function setParts(line: HTMLElement, parts: readonly string[]): void {
  while (line.childElementCount > parts.length) line.lastElementChild?.remove();
  while (line.childElementCount < parts.length) line.append(h("span"), " ");
  parts.forEach((part, i) => {
    const span = line.children[i];
    if (span) setText(span, part);
  });
}
