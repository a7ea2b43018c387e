// How the run ended: what is on disk now and what to do next. Each end has its own icon, word and colour.
import type { VariableOutcome } from "../../protocol/run";
import { formatCount, formatOf } from "../format";
import { isRunning, type PanelState } from "../state";
import { divergedWords, frozenSummary, outcomeWords, resultWords, type Outcome } from "../words";
import { h, onChange, setVisible, type Child, type View } from "./dom";
import { icon } from "./icons";

const NAMED_AT_MOST = 5;

export function createOutcome(): View<PanelState> {
  const ending = h("div", {});
  const warnings = h("div", { class: "warnings" });
  const updateEnding = onChange((ended: PanelState | null) =>
    ending.replaceChildren(...(ended ? [banner(ended)] : [])),
  );
  const updateWarnings = onChange(
    (diverged: PanelState["diverged"], variables: readonly VariableOutcome[]) => {
      const broken = frozenSummary(variables)?.broken ?? [];
      warnings.replaceChildren(
        ...(broken.length > 0 ? [warning(brokenWords(broken), "failed")] : []),
        ...(diverged ? [warning(divergedWords(diverged), "interrupted")] : []),
      );
      setVisible(warnings, warnings.childElementCount > 0);
    },
  );
  return {
    element: h("div", { class: "outcome" }, warnings, ending),
    update: (state) => {
      updateEnding(isRunning(state) ? null : state);
      updateWarnings(state.diverged, state.variables);
    },
  };
}

function banner(state: PanelState): HTMLElement {
  // Only called once the run is over.
  const kind = state.run.state as Outcome;
  const [title, message] = outcomeWords(state);
  const lines: Child[] = [h("p", {}, h("strong", {}, title), " ", message)];
  if (state.ended?.code) lines.push(h("p", { class: "code" }, state.ended.code));
  const result = resultWords(state);
  if (result) lines.push(h("p", {}, result));
  const frozen = frozenSummary(state.variables);
  if (frozen && frozen.broken.length === 0)
    lines.push(h("p", {}, `frozen: ${frozen.words}`, frozen.good ? " ✓" : null));
  return h("div", { class: `banner ${kind}` }, icon(kind), h("div", {}, ...lines));
}

function warning(text: string, tone: Outcome): HTMLElement {
  return h("div", { class: `banner ${tone}` }, icon("warning"), h("p", {}, text));
}

function brokenWords(names: readonly string[]): string {
  const more = names.length - NAMED_AT_MOST;
  const listed = names.slice(0, NAMED_AT_MOST).join(", ");
  const all = more > 0 ? `${listed} and ${formatCount(more)} more` : listed;
  return `${formatOf(names.length, "frozen variable")} changed during training: ${all}. This must not happen: do not use this result, and please report it.`;
}
