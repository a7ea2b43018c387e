// What there is to see when there is no run to show.
import { setText, h, type View } from "./dom";
import { icon, type IconName } from "./icons";

export function createPlainScreen(kind: IconName, title: string): View<string> {
  const message = h("p", {});
  const element = h("div", { class: "plain-screen" }, icon(kind), h("h1", {}, title), message);
  return { element, update: (text) => setText(message, text) };
}

export function createLoading(): View<void> {
  const element = h(
    "div",
    { class: "plain-screen", "aria-busy": "true" },
    h("p", {}, "Preparing…"),
  );
  return { element, update: () => {} };
}
