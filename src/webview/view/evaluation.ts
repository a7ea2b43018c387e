// How good the network is now, class by class.
import type { ClassScore } from "../../protocol/run";
import { formatCount, formatNumber, formatPercent } from "../format";
import type { EventOf, PanelState } from "../state";
import { h, onChange, setText, setVisible, type View } from "./dom";
import { createTable } from "./table";

export function createEvaluations(): View<PanelState> {
  const validation = createEvaluation("Validation");
  const training = createEvaluation("Training");
  const element = h("div", { class: "evaluations" }, validation.element, training.element);
  return {
    element,
    update: (state) => {
      setVisible(element, state.validation !== null || state.training !== null);
      validation.update(state.validation);
      training.update(state.training);
    },
  };
}

function createEvaluation(title: string): View<EventOf<"evaluation"> | null> {
  const numbers = h("p", { class: "line" });
  const table = createTable<ClassScore>({
    caption: `${title}: accuracy by class`,
    limit: 50,
    columns: [
      { title: "class", cell: (row) => row.name },
      { title: "samples", numeric: true, cell: (row) => formatCount(row.samples) },
      { title: "correct", numeric: true, cell: (row) => formatCount(row.correct) },
      { title: "accuracy", numeric: true, cell: accuracyCell },
    ],
  });
  const element = h("section", {}, h("h2", {}, title), numbers, table.element);
  const update = onChange((evaluation: EventOf<"evaluation"> | null) => {
    setVisible(element, evaluation !== null);
    if (!evaluation) return;
    const accuracy = evaluation.accuracy;
    setText(
      numbers,
      `${accuracy === null ? "" : `accuracy ${formatPercent(accuracy)} · `}loss ${formatNumber(evaluation.loss)}`,
    );
    setVisible(table.element, evaluation.classes.length > 0);
    table.update(evaluation.classes);
  });
  return { element, update };
}

function accuracyCell({ samples, correct }: ClassScore): HTMLElement {
  const share = samples > 0 ? correct / samples : null;
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(share ?? 0));
  return h("span", { class: "with-bar" }, bar, h("span", {}, formatPercent(share)));
}
