import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../src/protocol/run";
import { column } from "../../../src/webview/curves";
import {
  initial,
  loading,
  plannedEpochs,
  progress,
  receive,
  reduce,
  replay,
} from "../../../src/webview/state";
import { RUN, bottlenecks, ended, epoch, phase, started, step, variable } from "./fixtures";

const after = (...events: RunEvent[]) => events.reduce(reduce, initial(RUN));

describe("reduce", () => {
  it("lays the phases end to end on the epoch axis", () => {
    const state = after(started(), phase(1), epoch(1, 1), epoch(1, 3), phase(2), epoch(2, 1));
    expect(column(state.curves, "x")).toEqual([1, 3, 4]);
    expect(state.phases.map((one) => one.start)).toEqual([0, 3]);
    expect(state.run.epoch).toBe(4);
    expect(plannedEpochs(state)).toBe(5);
    expect(progress(state)).toBe(0.8);
  });

  it("counts the steps of the running epoch", () => {
    const state = after(started(), phase(1), epoch(1, 1), step(5, 10));
    expect(progress(state)).toBeCloseTo(1.5 / 5);
    expect(progress(reduce(state, epoch(1, 2)))).toBeCloseTo(2 / 5);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, null as unknown as number])(
    "leaves a gap where the loss is %s and remembers the first such epoch",
    (loss) => {
      const state = after(
        started(),
        phase(1),
        epoch(1, 1),
        epoch(1, 2, { loss }),
        epoch(1, 3, { loss }),
      );
      expect(column(state.curves, "loss")).toEqual([1, null, null]);
      expect(state.diverged).toEqual({ phase: 0, epoch: 2 });
    },
  );

  it("keeps what is drawn when a run is resumed, and takes the repeated epochs anew", () => {
    const stopped = after(started(), phase(1), epoch(1, 1), epoch(1, 2), ended("stopped", "ok"));
    expect(stopped.run).toMatchObject({ state: "stopped", resumable: true });
    const resumed = [started({ resumed: true }), phase(1), epoch(1, 2, { loss: 9 })].reduce(
      reduce,
      stopped,
    );
    expect(resumed.run).toMatchObject({ state: "running", resumable: false });
    expect(resumed.ended).toBeNull();
    expect(column(resumed.curves, "loss")).toEqual([1, 9]);
  });

  it("forgets the former attempt when a run starts afresh", () => {
    const state = reduce(after(started(), phase(1), epoch(1, 1)), started());
    expect(state.curves.length).toBe(0);
    expect(state.phases).toEqual([]);
  });

  it("says what the run is busy with", () => {
    expect(after(started()).activity).toBe("preparing");
    expect(after(started(), bottlenecks(3, 0)).activity).toBe("bottlenecks");
    expect(after(started(), bottlenecks(896, 0)).activity).toBe("preparing");
    expect(after(started(), phase(1), bottlenecks(896, 0)).activity).toBe("training");
    const evaluation = { event: "evaluation", on: "validation", loss: 1, accuracy: 1 } as const;
    const state = after(started(), phase(1), { ...evaluation, classes: [] });
    expect(state.activity).toBe("evaluating");
    expect(state.validation?.loss).toBe(1);
  });

  it("collects notes once, variables, and where the result was saved", () => {
    const note = { event: "note", text: "a" } as const;
    const saved = { event: "saved", path: "/new.ckpt", files: [], notes: [] } as const;
    const variables = { event: "variables", variables: [variable("w")] } as const;
    const state = after(started(), note, note, saved, variables);
    expect(state.notes).toEqual(["a"]);
    expect(state.run.saved).toBe("/new.ckpt");
    expect(state.variables).toHaveLength(1);
  });
});

describe("receive", () => {
  const show = { type: "show", run: RUN, events: [started(), phase(1), epoch(1, 1)] } as const;

  it("goes from loading to a run, follows it, and to nothing again", () => {
    const shown = receive(loading, show);
    const next = receive(shown, { type: "events", run: "r1", events: [epoch(1, 2)] });
    expect(next.kind === "run" && next.state.curves.length).toBe(2);
    expect(receive(next, { type: "empty", message: "gone" })).toEqual({
      kind: "empty",
      message: "gone",
    });
  });

  it("ignores events of a run that is not shown", () => {
    const shown = receive(loading, show);
    expect(receive(shown, { type: "events", run: "r0", events: [epoch(1, 2)] })).toBe(shown);
    expect(receive(loading, { type: "events", run: "r1", events: [epoch(1, 2)] })).toBe(loading);
  });

  it("believes the log where the summary does not know of the end yet", () => {
    const state = replay(RUN, [...show.events, ended("stopped", "Stopped after epoch 1.")]);
    expect(state.run).toMatchObject({ state: "stopped", resumable: true });
  });

  it("believes the summary about the end: a killed process wrote none", () => {
    const run = { ...RUN, state: "interrupted", resumable: true } as const;
    const state = replay(run, show.events);
    expect(state.run).toMatchObject({ state: "interrupted", resumable: true, epoch: 1 });
    expect(state.ended).toBeNull();
  });
});
