// The buttons: which there are depends on where the run stands, and the likeliest next step is the primary one.
import type { Host } from "../vscode";
import { isRunning, type PanelState } from "../state";
import { createButton } from "../toolkit";
import { h, setVisible, type View } from "./dom";

/** How long a button waits for the host before it can be pressed again. */
const PATIENCE = 5000;

export function createActions(host: Host): View<PanelState> {
  let state: PanelState | null = null;
  /** The run that was asked to stop or resume and has not answered yet. */
  let asked: "stop" | "resume" | null = null;

  const ask = (what: "stop" | "resume") => {
    if (!state) return;
    asked = what;
    host.post({ type: what, run: state.run.run });
    update(state);
    // A run takes until the end of its chunk to stop; but a resume can be refused without a word.
    if (what === "resume") setTimeout(() => settle("resume"), PATIENCE);
  };
  const settle = (what: "stop" | "resume") => {
    if (asked === what) asked = null;
    if (state) update(state);
  };

  const stop = createButton("Stop", () => ask("stop"));
  const resume = createButton("Resume", () => ask("resume"));
  const save = createButton("Save Result As…", () => {
    if (state) host.post({ type: "saveAs", run: state.run.run });
  });
  const copy = createButton("Copy Code to Load", () => {
    if (state?.run.saved) host.post({ type: "copyCode", path: state.run.saved });
  });
  const open = createButton("Open Recipe", () => {
    if (state) host.post({ type: "openRecipe", recipe: state.run.recipe });
  });
  const buttons = [stop, resume, save, copy, open].map((button) => button.element);
  const element = h("div", { class: "actions", role: "group", "aria-label": "Run" }, ...buttons);

  function update(next: PanelState): void {
    if (state?.run.run !== next.run.run) asked = null;
    state = next;
    const running = isRunning(next);
    if ((asked === "stop" && !running) || (asked === "resume" && running)) asked = null;
    const canResume = !running && next.run.resumable;
    const canSave = !running && next.run.state !== "failed" && next.run.epoch > 0;
    const saved = !running && next.run.saved !== undefined;

    const focused = buttons.find((button) => button === document.activeElement);
    setVisible(stop.element, running);
    setVisible(resume.element, canResume);
    setVisible(save.element, canSave && next.run.state !== "interrupted");
    setVisible(copy.element, saved);
    stop.set({ label: asked === "stop" ? "Stopping…" : "Stop", busy: asked === "stop" });
    resume.set({ label: asked === "resume" ? "Resuming…" : "Resume", busy: asked === "resume" });
    resume.set({ primary: true });
    save.set({ primary: canSave && !canResume && !saved });
    copy.set({ primary: saved && !canResume });
    // Whoever pressed Stop by keyboard must not be thrown back to the top of the page.
    if (focused?.hidden) buttons.find((button) => !button.hidden)?.focus();
  }
  return { element, update };
}
