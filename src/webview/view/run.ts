// The panel of one run: its parts from top to bottom.
import type { PanelState } from "../state";
import { createDivider } from "../toolkit";
import type { Host } from "../vscode";
import { createAnnouncer } from "./announcer";
import { createCurves } from "./curves";
import { createDetails, createNotes, createSaved } from "./details";
import { h, type View } from "./dom";
import { createEvaluations } from "./evaluation";
import { createFacts } from "./facts";
import { createHeader } from "./header";
import { createOutcome } from "./outcome";
import { createVariables } from "./variables";

export function createRun(host: Host): View<PanelState> {
  const parts = [
    createHeader(host),
    createOutcome(),
    createSaved(),
    createFacts(),
    createCurves(host),
    createEvaluations(),
    createVariables(),
    createNotes(),
    createDetails(),
  ];
  const announcer = createAnnouncer();
  const elements = parts.map((part) => part.element);
  return {
    element: h(
      "div",
      { class: "run" },
      ...elements.slice(0, -1),
      createDivider(),
      ...elements.slice(-1),
      announcer.element,
    ),
    update: (state) => [...parts, announcer].forEach((part) => part.update(state)),
  };
}
