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
  },
);

const stored = ({ variables }: Model): Map<string, StoredTensor> =>
  new Map(
    [...variables.values()].map(({ name, dtype, shape }) => [
      name,
      { name, dtype, shape, bytes: 0 },
    ]),
  );
