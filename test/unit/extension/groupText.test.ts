import { expect, test } from "vitest";
import { groupText, withGroup } from "../../../src/extension/commands/groupText";

test("a group in words", () => {
  expect(groupText({ numbers: "new", learningRate: 0.001 })).toBe(
    "new numbers: learning rate 0.001",
  );
  expect(groupText({ layers: "conv[12]", numbers: "old", l2: 0.1 })).toBe(
    "old numbers of conv[12]: L2 0.1",
  );
  expect(groupText({ optimizer: { adam: { learningRate: 0.1 } } })).toBe("all numbers: adam");
});

test("a second answer for the same numbers is added to the first, others come behind", () => {
  const first = withGroup({ epochs: 2 }, { numbers: "new", learningRate: 0.1 });
  const both = withGroup(first, { numbers: "new", l2: 0.01 });
  expect(both).toEqual({ epochs: 2, groups: [{ numbers: "new", learningRate: 0.1, l2: 0.01 }] });
  expect(withGroup(both, { numbers: "old", l2: 1 })["groups"]).toEqual([
    { numbers: "new", learningRate: 0.1, l2: 0.01 },
    { numbers: "old", l2: 1 },
  ]);
});
