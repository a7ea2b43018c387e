import { describe, expect, it } from "vitest";
import type { RunEvent, RunSummary } from "../../../src/protocol/run";
import { initial, reduce, replay } from "../../../src/webview/state";
import {
  announcement,
  backendWords,
  bottleneckOrigin,
  bottleneckWords,
  frozenSummary,
  groupWords,
  outcomeWords,
  resultWords,
  whereParts,
} from "../../../src/webview/words";
import { RUN, bottlenecks, ended, epoch, phase, started, step, variable } from "./fixtures";

const after = (...events: RunEvent[]) => events.reduce(reduce, initial(RUN));

it("names what was saved as the recipe does", () => {
  const folder = RUN.recipe.slice(0, RUN.recipe.lastIndexOf("/"));
  const state = after(
    started(),
    ended("finished", `Training finished. The result is ${folder}/out/a.ckpt.`),
  );
  expect(outcomeWords(state).join(" ")).toBe("Finished. The result is out/a.ckpt.");
});

it("says which optimizer moves what, where a phase has groups", () => {
  const groups = [
    { numbers: "508 new numbers of w", optimizer: "adam, learning rate 0.01" },
    { numbers: "5,000 numbers of w", optimizer: "sgd, learning rate 0.1" },
  ];
  expect(groupWords({ groups })).toBe(
    "508 new numbers of w: adam, learning rate 0.01; 5,000 numbers of w: sgd, learning rate 0.1",
  );
  expect(groupWords({})).toBe("");
});

describe("where the run stands", () => {
  it.each<[string, RunEvent[], string]>([
    ["before anything", [], "preparing…"],
    ["computing", [started(), bottlenecks(1, 0)], "computing bottlenecks…"],
    ["before the first epoch", [started(), phase(1)], "phase 1 of 2 · epoch 0/3"],
    ["training", [started(), phase(1), epoch(1, 2)], "phase 1 of 2 · epoch 2/3 · 0.4 s left"],
    [
      "in a new phase",
      [started(), phase(1), epoch(1, 3), phase(2)],
      "phase 2 of 2 · epoch 0/2 · 0.4 s left",
    ],
    ["with one phase", [started({ phases: 1 }), phase(1), epoch(1, 2)], "epoch 2/3 · 0.4 s left"],
    [
      "within a short epoch",
      [started({ phases: 1 }), phase(1), epoch(1, 1), step(5, 100)],
      "epoch 1/3 · 0.4 s left",
    ],
    [
      "within a long epoch",
      [started({ phases: 1 }), phase(1), epoch(1, 1), step(5, 9000)],
      "epoch 2/3 · step 5/9,000 · 0.4 s left",
    ],
    [
      "stopped",
      [started(), phase(1), epoch(1, 2), ended("stopped", "Stopped.")],
      "stopped · 2 of 5 epochs · 12 s",
    ],
  ])("%s", (_name, events, text) => expect(whereParts(after(...events)).join(" · ")).toBe(text));
});

describe("bottlenecks", () => {
  it.each([
    [320, 0, "320 of 896", ""],
    [320, 128, "320 of 896", "128 from cache"],
    [896, 896, "896 of 896", "reused from cache"],
    [896, 0, "896 of 896", "computed"],
    [896, 640, "896 of 896", "640 from cache, 256 computed"],
  ])("%i done, %i reused", (done, reused, count, origin) => {
    const state = after(started(), bottlenecks(done, reused));
    expect(bottleneckWords(state)).toEqual({
      progress: count,
      detail: "100 values a sample · 358 kB",
    });
    expect(bottleneckOrigin(state)).toBe(origin);
  });

  it("names the phases that do without", () => {
    const state = after(started(), bottlenecks(896, 0), phase(1), phase(2, { cached: false }));
    expect(bottleneckWords(state).detail).toContain("phase 2 not cached");
    const none = after(started(), phase(1, { cached: false }));
    expect(bottleneckWords(none).progress).toBe("not cached");
  });
});

it.each([
  [{ threads: 2 }, "the fastest one · up to 2 threads"],
  [{ threads: 1 }, "the fastest one · up to 1 thread"],
  [{}, "the fastest one"],
])("says what a backend may use: %j", (more, words) => {
  expect(backendWords({ name: "compiled", version: "1", reason: "the fastest one", ...more })).toBe(
    words,
  );
});

describe("frozenSummary", () => {
  it("is glad when all are equal", () => {
    const trained = variable("w3", { frozen: false, unchanged: false, maxChange: 1 });
    expect(frozenSummary([variable("w1"), variable("w2"), trained])).toEqual({
      words: "2 of 2 variables unchanged, bit for bit",
      broken: [],
      good: true,
    });
  });

  it.each([0.5, Number.NaN])("names a frozen variable that moved by %s", (maxChange) => {
    const moved = variable("w2", { unchanged: false, maxChange });
    expect(frozenSummary([variable("w1"), moved])).toMatchObject({ broken: ["w2"], good: false });
  });

  it("does not blame training for what an edit reshaped", () => {
    const edited = variable("w2", { unchanged: false });
    const summary = frozenSummary([variable("w1"), edited]);
    expect(summary).toMatchObject({ broken: [], good: true });
    expect(summary?.words).toContain("1 new from an edit");
  });

  it("tells of variables that are frozen in part, and names the one whose frozen numbers moved", () => {
    const part = (name: string, keptUnchanged: boolean) =>
      variable(name, { frozen: false, unchanged: false, maxChange: 1, keptUnchanged });
    const kept = frozenSummary([part("w2", true), part("w3", true)]);
    expect(kept).toEqual({
      words: "the frozen part of 2 of 2 variables unchanged, bit for bit",
      broken: [],
      good: true,
    });
    const moved = frozenSummary([variable("w1"), part("w2", true), part("w3", false)]);
    expect(moved).toEqual({
      words:
        "1 of 1 variable unchanged, bit for bit; the frozen part of 1 of 2 variables unchanged, bit for bit",
      broken: ["w3"],
      good: false,
    });
  });

  it("says when nothing was frozen, and nothing before the end", () => {
    expect(frozenSummary([variable("w", { frozen: false })])?.words).toBe("no variable was frozen");
    expect(frozenSummary([])).toBeNull();
  });
});

describe("the outcome", () => {
  it("does not say the same word twice", () => {
    expect(outcomeWords(after(started(), ended("stopped", "Stopped after epoch 2.")))).toEqual([
      "Stopped",
      "after epoch 2.",
    ]);
    expect(outcomeWords(after(started(), ended("failed", "No data.")))).toEqual([
      "Failed.",
      "No data.",
    ]);
  });

  it.each<[Partial<RunSummary>, string]>([
    [{ state: "interrupted", resumable: true }, "Resume continues"],
    [{ state: "interrupted", resumable: false }, "cannot be resumed"],
    [{ state: "failed" }, "output channel"],
    [{ state: "stopped", resumable: true }, "Stopped after 1 of 5 epochs"],
    [{ state: "finished", saved: "/new.ckpt" }, "/new.ckpt"],
  ])("speaks for a process that left no last word: %j", (change, words) => {
    const state = replay({ ...RUN, ...change }, [started(), phase(1), epoch(1, 1)]);
    expect(outcomeWords(state).join(" ")).toContain(words);
  });

  it("gives the accuracy, on validation where there is one", () => {
    const classes = [{ name: "5", samples: 1179, correct: 1000 }];
    const evaluation = { event: "evaluation", loss: 1, accuracy: 0.946, classes } as const;
    const training = after(started(), { ...evaluation, on: "training" });
    expect(resultWords(training)).toBe("accuracy 94.6 % on 1,179 training samples");
    const both = reduce(training, { ...evaluation, on: "validation", classes: [] });
    expect(resultWords(both)).toBe("accuracy 94.6 % on validation data");
  });
});

describe("announcement", () => {
  const training = after(started(), phase(1), epoch(1, 1));

  it("is silent about epochs and about another run", () => {
    expect(announcement(training, reduce(training, epoch(1, 2)))).toBeNull();
    expect(announcement(null, training)).toBeNull();
    expect(announcement(initial({ ...RUN, run: "r0" }), training)).toBeNull();
  });

  it.each<[RunEvent, string]>([
    [phase(2), "Phase 2 of 2 started."],
    [bottlenecks(1, 0), "Computing bottlenecks."],
    [ended("finished", "Saved as a.ckpt."), "Finished. Saved as a.ckpt."],
    [ended("stopped", "Stopped after epoch 1."), "Stopped after epoch 1."],
  ])("says %j", (event, words) =>
    expect(announcement(training, reduce(training, event))).toBe(words),
  );

  it("warns once of a loss that is no number", () => {
    const broken = reduce(training, epoch(1, 2, { loss: Number.NaN }));
    expect(announcement(training, broken)).toContain("diverged");
    expect(announcement(broken, reduce(broken, epoch(1, 3, { loss: Number.NaN })))).toBeNull();
  });
});
