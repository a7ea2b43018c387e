// Every checkpoint that real TensorFlow wrote, as `graft inspect --json --hash` tells it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspect } from "../../src/engine/inspect";
import { FIXTURES, fixture } from "./fixture";

interface ExpectedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly nbytes?: number;
  readonly sha256: string;
}
interface Expected {
  readonly prefix?: string;
  readonly variables?: Record<string, ExpectedTensor>;
  readonly variables_sample?: Record<string, ExpectedTensor>;
  readonly per_checkpoint?: Record<string, Record<string, ExpectedTensor>>;
}

const cases = readdirSync(FIXTURES)
  .filter((name) => /^b[12]_/.test(name))
  .flatMap(
    (
      name,
    ): [title: string, file: string, tensors: Record<string, ExpectedTensor>, all: boolean][] => {
      const { prefix, variables, variables_sample, per_checkpoint } =
        fixture<Expected>(name).expected;
      if (per_checkpoint !== undefined)
        return Object.entries(per_checkpoint).map(([each, tensors]) => [
          `${name} ${each}`,
          join(FIXTURES, name, each),
          tensors,
          true,
        ]);
      return [
        [
          name,
          join(FIXTURES, name, prefix!),
          variables ?? variables_sample!,
          variables !== undefined,
        ],
      ];
    },
  );

describe("inspect", () => {
  test.each(cases)("%s", async (_, file, tensors, isAll) => {
    const { format, variables, layers } = await inspect(file, true);
    expect(format).toBe("tf1");
    const found = new Map(variables.map((variable) => [variable.name, variable]));
    if (isAll) expect([...found.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { dtype, shape, nbytes, sha256 }] of Object.entries(tensors))
      expect(found.get(name)).toMatchObject({
        dtype,
        shape,
        sha256,
        ...(nbytes !== undefined && { bytes: nbytes }),
      });
    for (const layer of layers)
      for (const name of layer.variables) expect(found.has(name)).toBe(true);
  });

  test("4,500 variables in two index blocks", async () => {
    const { variables } = await inspect(join(FIXTURES, "b1_many_vars/many.ckpt"), false);
    expect(variables).toHaveLength(4500);
  });
});

describe("of a zip of Deeplearning4j, how it was trained", () => {
  const layersOf = async (file: string) => {
    const { layers, normalizer } = await inspect(join(FIXTURES, file), false);
    return {
      normalizer,
      layers: layers.map(({ name, frozen, updater }) => [name, frozen, updater]),
    };
  };
  const [adam, sgd] = ["Adam, learning rate 0.02", "Sgd, learning rate 0.01"];

  test("the normalizer, and the updater of each layer", async () => {
    expect(await layersOf("b5_dl4j_mlp_iris/model_with_normalizer.zip")).toEqual({
      normalizer: { kind: "standardize", features: 4 },
      layers: [
        ["hidden_a", false, adam],
        ["layer1", false, adam],
        ["layer2", false, adam],
      ],
    });
  });

  test("what is frozen has no updater", async () => {
    expect(await layersOf("b5_dl4j_transfer_mini/transfer_after_fit.zip")).toEqual({
      normalizer: undefined,
      layers: [
        ["hidden1", true, undefined],
        ["hidden2", true, undefined],
        ["hidden3", false, sgd],
        ["outputs", false, sgd],
      ],
    });
  });

  test("before 0.9 the learning rate is the layer's", async () => {
    const { layers } = await layersOf("dl4j_old/0.7.2/graves_lstm.zip");
    expect(layers[0]).toEqual(["0", false, "RmsProp, learning rate 0.1"]);
  });
});
