// Entry point of the training panel: messages in, state, views out. Wiring only.
import "./panel.css";
import { loading, receive, type Screen } from "./state";
import { throttled, type Clock } from "./schedule";
import { registerToolkit } from "./toolkit";
import { connect } from "./vscode";
import { createRun } from "./view/run";
import { createLoading, createPlainScreen } from "./view/screens";

/** 20 drawings a second are smooth enough, however fast epochs come. */
const INTERVAL = 50;

const browserClock: Clock = {
  now: () => performance.now(),
  frame: (callback) => void requestAnimationFrame(callback),
  after: (callback, milliseconds) => void setTimeout(callback, milliseconds),
};

registerToolkit();
const host = connect();
const root = document.getElementById("root") ?? document.body;
const waiting = createLoading();
const empty = createPlainScreen("chart", "No Run to Show");
const failure = createPlainScreen("failed", "The Panel Cannot Show This Run");
let run: ReturnType<typeof createRun> | null = null;
let screen: Screen = loading;

const draw = throttled(
  () => {
    try {
      show(render(screen));
    } catch (error) {
      console.error(error);
      failure.update(
        `${String(error)}. The run itself goes on. Close the panel and open it again from Runs; if it happens again, please report it.`,
      );
      show(failure.element);
    }
  },
  INTERVAL,
  browserClock,
);

function render(now: Screen): HTMLElement {
  switch (now.kind) {
    case "loading":
      return waiting.element;
    case "empty":
      empty.update(now.message);
      return empty.element;
    case "run":
      // In the document before the first update: a chart needs to know its width.
      run ??= createRun(host);
      show(run.element);
      run.update(now.state);
      return run.element;
  }
}

function show(element: HTMLElement): void {
  if (root.firstElementChild !== element) root.replaceChildren(element);
}

show(waiting.element);
host.onMessage((message) => {
  screen = receive(screen, message);
  draw();
});
host.post({ type: "ready" });
