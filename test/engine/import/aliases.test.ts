// Names of source ops that stand for a node: what people fetch is often an identity, or an op inside a pattern.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES } from "../fixture";
import { importFile } from "./summary";

const graph = (name: string) => importFile(join(FIXTURES, name));

describe.each<[string, Readonly<Record<string, string>>]>([
  ["graphs/inference.meta", { logits: "out/BiasAdd", "mode/Merge": "mode/mul_1" }],
  [
    "graphs/layers_cnn.meta",
    {
      "drop/cond/dropout/SelectV2": "drop/cond/Merge",
      "drop/cond/Identity": "fc1/Relu",
      "drop/cond/Identity/Switch": "fc1/Relu",
    },
  ],
  [
    "b2_cnn_digits_batchnorm/model.ckpt.meta",
    {
      "bn1/cond/FusedBatchNormV3_1": "bn1/cond/Merge",
      "bn2/cond/FusedBatchNormV3_1": "bn2/cond/Merge",
    },
  ],
  ["graphs/batchnorm_by_hand.meta", { "second/cond/batchnorm_1/add_1": "second/cond/Merge" }],
])("%s", (file, expected) => {
  const model = graph(file);
  test.each(Object.entries(expected))("%s stands for %s", (alias, node) => {
    expect(model.aliases.get(alias)).toBe(node);
    expect(model.nodes.has(node)).toBe(true);
  });
});

test.each(["b1_mini_v2/my_model_final.ckpt.meta", "b1_mini_partitioned/my_model_final.ckpt.meta"])(
  "%s: the reads of variables stand for no node",
  (file) => {
    const { aliases, nodes } = graph(file);
    expect([...aliases.keys()].filter((name) => /read$|weights|biases/.test(name))).toEqual([]);
    for (const [alias, node] of aliases) {
      expect(nodes.has(alias)).toBe(false);
      expect(nodes.has(node)).toBe(true);
    }
  },
);

test("a node is named after the last source op that it was lifted from", () => {
  const model = graph("b2_cnn_digits_batchnorm/model.ckpt.meta");
  for (const node of model.nodes.values()) expect(node.origin.at(-1)).toBe(node.name);
  const { origin } = model.nodes.get("bn1/cond/Merge")!;
  expect(origin).toEqual(
    expect.arrayContaining(["bn1/cond/FusedBatchNormV3", "bn1/cond/FusedBatchNormV3_1"]),
  );
  expect(origin).not.toContain("add");
  expect(origin).not.toContain("is_training");
  expect(model.nodes.get("Reshape_1")!.origin).toEqual(["Reshape_1/shape", "Reshape_1"]);
});
