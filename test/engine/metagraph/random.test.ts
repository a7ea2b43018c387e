// Random networks written into the graph of another, which gives its savers and its init op: read back as they were.
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import type { Model } from "../../../src/engine/graph/model";
import { importFile, readMeta } from "../import/summary";
import { designs } from "../surgery/networks";
import { problems } from "./consistent";
import { computed, FIXTURES, variablesOf, written } from "./edits";
import { fromNothing } from "./random";

const META = "my_model_final.ckpt.meta";

describe.each(["b1_mini_v2", "b1_mini_v1", "b1_mini_resource", "b1_mini_v2_sharded"])(
  "in the graph of %s",
  (fixture) => {
    const meta = readMeta(join(FIXTURES, fixture, META));
    const before = importFile(join(FIXTURES, fixture, META));

    test("a random network is read back as it was", () => {
      fc.assert(
        fc.property(designs, (design) => {
          const after = fromNothing(design, before);
          const patched = patchMetaGraph(meta, before, after);
          expect(problems(patched.meta)).toEqual([]);
          expect([...patched.variables].sort()).toEqual([...after.variables.keys()].sort());
          const again = importGraph(written(patched.meta), stored(after));
          expect(computed(again)).toEqual(computed(after));
          expect(variablesOf(again)).toEqual(variablesOf(after));
          const { inputs, output, labels, loss } = after.roles;
          expect(again.roles).toEqual({ inputs, output, labels, loss });
        }),
        { numRuns: 60 },
      );
    });
    test("a network without any of the source's variables is refused", () => {
      const [design] = fc.sample(designs, { seed: 1, numRuns: 1 });
      const model = fromNothing(design, before);
      const own = <T>(all: ReadonlyMap<string, T>) =>
        new Map([...all].filter(([name]) => name.startsWith("net/")));
      const alone = { ...model, nodes: own(model.nodes), variables: own(model.variables) };
      const layers = model.layers.filter(({ name }) => name.startsWith("net/"));
      expect(() => patchMetaGraph(meta, before, { ...alone, layers })).toThrow(
        /None of the checkpoint's variables is left/,
      );
    });
  },
);

const stored = ({ variables }: Model): Map<string, StoredTensor> =>
  new Map(
    [...variables.values()].map(({ name, dtype, shape }) => [
      name,
      { name, dtype, shape, bytes: 0 },
    ]),
  );
