// Runs without an editor: progress out of events, kept events, outcomes, the panel's page, restarts, numbers.
import { describe, expect, test } from "vitest";
import { RestartBudget } from "../../../src/extension/engine/budget";
import { fromWire } from "../../../src/extension/engine/errors";
import { EventLog } from "../../../src/extension/run/events";
import { panelPage } from "../../../src/extension/run/html";
import { interruptedText, outcomeOf } from "../../../src/extension/run/outcome";
import { advance, brief, phaseLine, spoken, startOf } from "../../../src/extension/run/progress";
import { bytes, moving, percent, plural, shape, short } from "../../../src/extension/words";
import { ErrorCodes, ResponseError } from "vscode-jsonrpc/node";
import type { RunEvent, RunState } from "../../../src/protocol/run";

const started = (resumed = false): RunEvent => ({
  event: "started",
  run: "r",
  recipe: "/w/digits.graft.json",
  checkpoint: "/w/digits.ckpt",
  backend: { name: "cpu", version: "4", reason: "" },
  phases: 2,
  epochs: 25,
  seed: 1,
  resumed,
});
const phase = (index: number, epochs: number): RunEvent => ({
  event: "phase",
  phase: index,
  epochs,
  cached: true,
  optimizer: "sgd",
  trainableParameters: 1,
  text: "{}",
});
const step = (loss: number, n = 1): RunEvent => ({
  event: "step",
  phase: 0,
  epoch: 1,
  step: n,
  steps: 9,
  loss,
});
const epoch = (n: number, epochs: number, loss: number): RunEvent => ({
  event: "epoch",
  phase: 1,
  epoch: n,
  epochs,
  loss,
  accuracy: 0.5,
  validationLoss: null,
  validationAccuracy: null,
  stepsPerSecond: 1,
  secondsLeft: 2,
});
const ended = (state: Exclude<RunState, "running">): RunEvent => ({
  event: "ended",
  state,
  message: "The disk is full",
  prefixSamples: 0,
  seconds: 1,
});

const after = (...events: readonly RunEvent[]) => events.reduce(advance, startOf("r"));

describe("progress", () => {
  test.each<readonly [string, readonly RunEvent[], string]>([
    ["begins", [started()], "starting"],
    [
      "computes bottlenecks",
      [
        started(),
        phase(0, 20),
        { event: "bottlenecks", done: 3, total: 9, reused: 0, valuesPerSample: 1, bytes: 1 },
      ],
      "bottlenecks 3/9",
    ],
    [
      "is in its first epoch",
      [started(), phase(0, 20), step(1.23456)],
      "phase 1/2 · 0/20 · loss 1.23",
    ],
    [
      "is in its second phase",
      [started(), phase(1, 5), epoch(4, 5, 0.31)],
      "phase 2/2 · 4/5 · loss 0.31",
    ],
    ["diverged", [started(), phase(1, 5), epoch(1, 5, NaN)], "phase 2/2 · 1/5 · loss not a number"],
  ])("%s", (_title, events, expected) => {
    expect(brief(after(...events))).toBe(expected);
  });

  test("in words", () => {
    const progress = after(started(), phase(1, 20), epoch(12, 20, 0.31));
    expect(phaseLine(progress)).toBe("epoch 12/20 · loss 0.31");
    expect(spoken(progress)).toBe("Graft trains, epoch 12 of 20, loss 0.31");
  });

  test("a resumed run is running again", () => {
    expect(after(started(), ended("stopped")).state).toBe("stopped");
    expect(after(started(), ended("stopped"), started(true)).state).toBe("running");
  });
});

describe("kept events", () => {
  test("what the engine kept and what was heard meanwhile are joined once", () => {
    const log = new EventLog();
    log.add(started(true));
    log.add(step(2));
    expect(log.complete).toBe(false);
    log.prepend([started(), phase(0, 2), started(true)]);
    expect(log.all()).toEqual([started(), phase(0, 2), started(true), step(2)]);
    expect(log.complete).toBe(true);
  });

  test("a run heard from its first event is complete", () => {
    const log = new EventLog();
    log.add(started());
    expect(log.complete).toBe(true);
  });

  test("steps are thinned, everything else stays", () => {
    const log = new EventLog();
    for (let n = 0; n < 50_000; n++) log.add(n % 1000 === 0 ? epoch(n, 50, 1) : step(1, n));
    const events = log.all();
    expect(events.filter(({ event }) => event === "epoch")).toHaveLength(50);
    expect(events.length).toBeLessThan(10_100);
    expect(events.length).toBeGreaterThan(4000);
  });
});

describe("outcomes", () => {
  const outcome = (state: Exclude<RunState, "running">, resumable: boolean, saved = false) => {
    const events = [started(), phase(1, 20), epoch(7, 20, 1)];
    if (saved) events.push({ event: "saved", path: "/w/new.ckpt", files: [], notes: [] });
    return outcomeOf(after(...events, ended(state)), resumable);
  };

  test.each([
    ["finished", false, true, "Saved new.ckpt.", ["Copy Code to Load", "Show Training"]],
    [
      "finished",
      false,
      false,
      "Training of digits.graft.json finished. The result is kept with the run.",
      ["Save Result As…", "Show Training"],
    ],
    [
      "stopped",
      true,
      false,
      "Training of digits.graft.json stopped at epoch 7/20. What it computed is kept.",
      ["Resume", "Save Result As…"],
    ],
    [
      "failed",
      false,
      false,
      "Training of digits.graft.json failed at epoch 7/20. The disk is full.",
      ["Show Training", "Show Log"],
    ],
    [
      "interrupted",
      true,
      false,
      "Training of digits.graft.json was interrupted at epoch 7/20. What it computed is kept.",
      ["Resume"],
    ],
  ] as const)("%s, resumable: %s, saved: %s", (state, resumable, saved, text, next) => {
    expect(outcome(state, resumable, saved)).toMatchObject({ text, next });
  });

  test("an interrupted run is offered by recipe and epoch", () => {
    const run = {
      run: "r",
      recipe: "/w/digits.graft.json",
      checkpoint: "",
      started: "",
      state: "interrupted",
      resumable: true,
      epoch: 7,
      epochs: 20,
    } as const;
    expect(interruptedText(run)).toBe(
      "Training of digits.graft.json was interrupted at epoch 7/20.",
    );
  });
});

test("the panel's page allows what carries its nonce, and nothing else", () => {
  const page = panelPage({ nonce: "N0", source: "https://own", script: "s.js", styles: ["a.css"] });
  expect(page).toContain(
    `content="default-src 'none'; script-src 'nonce-N0'; style-src https://own 'nonce-N0'; font-src https://own; img-src https://own data:"`,
  );
  expect(page).toContain('<script nonce="N0" src="s.js"></script>');
  expect(page).toContain('<meta property="csp-nonce" content="N0">');
  expect(page).toContain('<main id="root"></main>');
  expect(page).not.toMatch(/unsafe|\son\w+=|style="/);
});

test("restarts are bounded in time", () => {
  let now = 0;
  const budget = new RestartBudget(2, 1000, () => now);
  expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
  now = 1001;
  expect(budget.take()).toBe(true);
  budget.reset();
  expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
});

describe("errors of the engine", () => {
  test("keep their code and message", () => {
    const data = { code: "shape-mismatch", message: "64 is not 32." };
    expect(fromWire(new ResponseError(-32000, "x", data))).toMatchObject(data);
  });

  test("an engine that is gone is engine-stopped", () => {
    const gone = new ResponseError(ErrorCodes.PendingResponseRejected, "disposed");
    expect(fromWire(gone).code).toBe("engine-stopped");
    expect(fromWire(new Error("Connection is closed.")).code).toBe("engine-stopped");
  });

  test("a bug stays a bug", () => {
    expect(fromWire(new ResponseError(ErrorCodes.InternalError, "oops")).code).toBe("internal");
    expect(
      fromWire(new ResponseError(-32000, "x", { code: "nonsense", message: "" })).code,
    ).not.toBe("nonsense");
  });
});

test("numbers as people read them", () => {
  expect([56_295, 999, 1_234_567, 12_500].map(short)).toEqual(["56 k", "999", "1.2 M", "13 k"]);
  expect([358_400, 400, 40_000, 2.5e9].map(bytes)).toEqual(["0.4 MB", "400 B", "40 kB", "2.5 GB"]);
  expect([percent(0, 9), percent(1, 900), percent(899, 900), percent(9, 9), percent(0, 0)]).toEqual(
    ["0 %", "< 1 %", "> 99 %", "100 %", "0 %"],
  );
  expect([plural(1, "value"), plural(1000, "value")]).toEqual(["1 value", "1,000 values"]);
  expect([shape([]), shape([300, 100]), shape([null, 64])]).toEqual([
    "scalar",
    "300 × 100",
    "any × 64",
  ]);
  expect([0.314159, 12.345, 0, 0.00001, 123_456].map(moving)).toEqual([
    "0.314",
    "12.3",
    "0",
    "1.0e-5",
    "1.2e+5",
  ]);
});
