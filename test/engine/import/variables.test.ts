// What each variable of a graph is for, and under which name the checkpoint holds it.
import { describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { constant, lifted, op, placeholder, strings, variable } from "./source";

describe("variables", () => {
  const network = [
    placeholder("x", [-1, 4]),
    variable("w", [4, 3]),
    op("out", "MatMul", ["x", "w/read"]),
  ];
  const roles = (model: Model) =>
    Object.fromEntries(
      [...model.variables.values()].map(({ name, role, of }) => [
        name,
        of ? `${role} of ${of}` : role,
      ]),
    );

  test("a saver stores one under another name", () => {
    const model = lifted(
      [
        ...network,
        strings("save/names", ["old/kernel"]),
        strings("save/slices", [""]),
        strings("save/file", ["model"]),
        op("save", "SaveV2", ["save/file", "save/names", "save/slices", "w/read"]),
      ],
      new Map([["old/kernel", { name: "old/kernel", dtype: "float32", shape: [4, 3], bytes: 48 }]]),
    );
    expect(model.variables.get("w")!.value).toEqual({ from: "stored", name: "old/kernel" });
    expect([...model.variables.keys()]).toEqual(["w"]);
  });

  test("one that the checkpoint lacks is there all the same, with the graph's shape", () => {
    const model = lifted(network, new Map());
    expect(model.variables.get("w")).toMatchObject({ shape: [4, 3], role: "weight" });
  });

  test("an average under a name of its own, a counter, a sparse slot, and what nobody reads", () => {
    const model = lifted([
      ...network,
      variable("w/mine", [4, 3]),
      constant("step", 0.1),
      op("difference", "Sub", ["w/mine/read", "w/read"]),
      op("times", "Mul", ["difference", "step"]),
      op("average", "AssignSub", ["w/mine", "times"]),
      variable("steps", []),
      op("count", "AssignAdd", ["steps", "step"]),
      variable("w/Adam", [4, 3]),
      variable("other", [7]),
    ]);
    expect(roles(model)).toEqual({
      w: "weight",
      "w/mine": "average of w",
      steps: "counter",
      "w/Adam": "slot of w",
      other: "unused",
    });
  });

  test("a graph of another checkpoint is refused", () => {
    const tensors = new Map([
      ["w", { name: "w", dtype: "float32", shape: [5, 3], bytes: 60 } as const],
    ]);
    expect(() => lifted(network, tensors)).toThrow(/declares w as \[4, 3\].*holds \[5, 3\]/);
  });
});
