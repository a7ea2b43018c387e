// What ran and why it is fast or not: the bottlenecks and the backend.
import { formatNumber } from "../format";
import { isRunning, type PanelState } from "../state";
import { backendWords, bottleneckOrigin, bottleneckWords } from "../words";
import { h, setText, setVisible, type View } from "./dom";
import { icon } from "./icons";
import { createProgress } from "./progress";

export function createFacts(): View<PanelState> {
  const parts = [createBottlenecks(), createBackend()];
  return {
    element: h("div", { class: "facts" }, ...parts.map((part) => part.element)),
    update: (state) => parts.forEach((part) => part.update(state)),
  };
}

function createBottlenecks(): View<PanelState> {
  const count = h("strong", {});
  const check = h("span", { class: "good" }, icon("check"));
  const origin = h("span", {});
  const detail = h("p", { class: "muted" });
  const bar = createProgress("Bottlenecks");
  const element = h(
    "section",
    { class: "fact" },
    h("h2", {}, "Bottlenecks"),
    h("p", { class: "line" }, count, " ", check, " ", origin),
    bar.element,
    detail,
  );
  return {
    element,
    update: (state) => {
      const b = state.bottlenecks;
      const words = bottleneckWords(state);
      setText(count, words.progress);
      const ready = b !== null && b.total > 0 && b.done >= b.total;
      const from = bottleneckOrigin(state);
      setText(origin, from !== "" && !ready ? `· ${from}` : from);
      setText(detail, words.detail);
      setVisible(check, ready);
      setVisible(bar.element, b !== null && b.done < b.total && isRunning(state));
      if (b && b.total > 0) bar.update({ share: b.done / b.total, words: words.progress });
    },
  };
}

function createBackend(): View<PanelState> {
  const name = h("strong", {});
  const speed = h("span", { class: "number" });
  const reason = h("p", { class: "muted" });
  const element = h(
    "section",
    { class: "fact" },
    h("h2", {}, "Backend"),
    h("p", { class: "line" }, name, " ", speed),
    reason,
  );
  return {
    element,
    update: ({ backend, epoch, run }) => {
      const waiting = run.state === "running" ? "not yet chosen" : "none";
      setText(name, backend ? `${backend.name} ${backend.version}` : waiting);
      setText(speed, epoch ? `· ${formatNumber(epoch.stepsPerSecond)} steps/s` : "");
      setText(reason, backend ? backendWords(backend) : "");
    },
  };
}
