// Speaks to screen readers, only about what is worth an interruption (see `announcement`).
import type { PanelState } from "../state";
import { announcement } from "../words";
import { h, setText, type View } from "./dom";

export function createAnnouncer(): View<PanelState> {
  const element = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  let before: PanelState | null = null;
  return {
    element,
    update: (state) => {
      const words = announcement(before, state);
      before = state;
      if (words) setText(element, words);
    },
  };
}
