// Random networks written into the graph of another, which gives its savers and its init op: read back as they were.
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { BLANK_MODEL, blankMetaGraph } from "../../../src/engine/formats/tf1/blank";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import { bytesOf, toFloat32 } from "../../../src/engine/graph/dtypes";
import { scalarFeeds } from "../../../src/engine/graph/feeds";
import { elements, isFrozen, type Model } from "../../../src/engine/graph/model";
import { ancestors, usedVariables } from "../../../src/engine/graph/order";
import { uniforms } from "../../../src/engine/graph/random";
import { evaluate } from "../../../src/engine/graph/value";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run as runPath } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { GraftError } from "../../../src/protocol/errors";
import { executorOn } from "../executor";
import { importFile, readMeta } from "../import/summary";
import { designs } from "../surgery/networks";
import { after as editedBy, sequences } from "../surgery/sequences";
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
    test("any edits of it are read back as they were: the same variables, the same logits", async () => {
      await executorOn("cpu");
      let saved = 0;
      await fc.assert(
        fc.asyncProperty(sequences, async ({ design, edits }) => {
          const after = editedBy(fromNothing(design, before), edits);
          // TensorFlow keeps no empty list of what trains.
          if ([...after.variables.values()].every(isFrozen)) return;
          const output = after.roles.output!;
          const patched = patchedOrRefused(() => patchMetaGraph(meta, before, after));
          if (patched === undefined) return;
          expect(problems(patched.meta)).toEqual([]);
          const again = importGraph(written(patched.meta), stored(after));
          expect(variablesOf(again)).toEqual(variablesOf(asSaved(after)));
          const name = again.nodes.has(output) ? output : again.aliases.get(output)!;
          const numbers = await numbersOf(after, output);
          expect(run(again, name, numbers)).toEqual(run(after, output, numbers));
          saved++;
        }),
        { numRuns: 60, seed: 3 },
      );
      expect(saved).toBeGreaterThan(40);
    });

    test("a network without any of the source's variables takes their place in its savers", () => {
      fc.assert(
        fc.property(designs, (design) => {
          const after = alone(fromNothing(design, before));
          const patched = patchMetaGraph(meta, before, after);
          expect(problems(patched.meta)).toEqual([]);
          const again = importGraph(written(patched.meta), stored(after));
          expect(computed(again)).toEqual(computed(after));
          expect(variablesOf(again)).toEqual(variablesOf(after));
        }),
        { numRuns: 20 },
      );
    });
  },
);

test("a random network is written where there was no graph", () => {
  const meta = blankMetaGraph();
  fc.assert(
    fc.property(designs, (design) => {
      const after = fromNothing(design, BLANK_MODEL);
      const patched = patchMetaGraph(meta, BLANK_MODEL, after);
      expect(problems(patched.meta)).toEqual([]);
      const again = importGraph(written(patched.meta), stored(after));
      expect(computed(again)).toEqual(computed(after));
      expect(variablesOf(again)).toEqual(variablesOf(after));
      const { inputs, output, labels, loss } = after.roles;
      expect(again.roles).toEqual({ inputs, output, labels, loss });
    }),
    { numRuns: 60 },
  );
});

/** Only what the random network itself consists of. */
function alone(model: Model): Model {
  const own = <T>(all: ReadonlyMap<string, T>) =>
    new Map([...all].filter(([name]) => name.startsWith("net/")));
  const layers = model.layers.filter(({ name }) => name.startsWith("net/"));
  return { ...model, nodes: own(model.nodes), variables: own(model.variables), layers };
}

/** Networks that no graph can hold are refused with a reason. */
function patchedOrRefused<T>(patch: () => T): T | undefined {
  try {
    return patch();
  } catch (error) {
    if (error instanceof GraftError && error.code !== "internal") return undefined;
    throw error;
  }
}

/** A branch that is kept is frozen weights to whoever opens the result. */
const asSaved = (model: Model): Model => ({
  ...model,
  variables: new Map(
    [...model.variables].map(([name, variable]) => [
      name,
      variable.role === "kept" ? { ...variable, role: "weight" } : variable,
    ]),
  ),
});

type Numbers = ReadonlyMap<string, Float32Array>;

async function numbersOf(model: Model, output: string): Promise<Numbers> {
  const read = (name: string) =>
    Promise.resolve(bytesOf(uniforms(7, [name], elements(model.variables.get(name)!.shape))));
  const used = usedVariables(model, ancestors(model, [output]));
  return new Map(
    await Promise.all(
      used.map(async (variable) => {
        const bytes = await evaluate(variable, read, 1);
        return [variable.name, toFloat32(bytes, variable.dtype)] as const;
      }),
    ),
  );
}

/** What `output` is of two samples, for these values of the variables. */
function run(model: Model, output: string, numbers: Numbers): number[] {
  const fed = [...ancestors(model, [output])]
    .map((name) => model.nodes.get(name)!)
    .filter(({ op, name }) => op === "Placeholder" && model.shapes.get(name)!.length > 1);
  return tf.tidy(() => {
    const variables = new Map(
      [...numbers].map(([name, values]) => [
        name,
        tf.tensor(values, [...model.variables.get(name)!.shape]),
      ]),
    );
    const feeds = new Map(
      fed.map(({ name }) => {
        const shape = [2, ...model.shapes.get(name)!.slice(1)];
        return [name, tf.tensor(uniforms(5, [name], elements(shape)), shape)];
      }),
    );
    const path = pathTo(model, [output], new Set(feeds.keys()));
    const scalars = scalarFeeds(model, {});
    const [result] = runPath(path, feeds, variables, { ...INFERENCE, scalars });
    return [...result.dataSync()];
  });
}

const stored = ({ variables }: Model): Map<string, StoredTensor> =>
  new Map(
    [...variables.values()].map(({ name, dtype, shape }) => [
      name,
      { name, dtype, shape, bytes: 0 },
    ]),
  );
