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
