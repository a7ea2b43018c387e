// Any edits in any order, on networks made at random: each is refused with a reason, or what comes out runs and trains.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withLoss } from "../../../src/engine/graph/loss";
import { wholeRegion, type Model } from "../../../src/engine/graph/model";
import { trainableMask } from "../../../src/engine/graph/regions";
import { trainedVariables } from "../../../src/engine/graph/order";
import { GraftError } from "../../../src/protocol/errors";
import { beginning, startOf, train } from "../compile/network";
import { executorOn } from "../executor";
import { lessonOf } from "./lesson";
import { built, designs } from "./networks";
import { edited } from "./run";

const SAMPLES = 6;

/** Edits by numbers: what they name is found in the model as it is then. */
const edit = fc.record({ kind: fc.nat(), layer: fc.nat(), size: fc.integer({ min: 1, max: 4 }) });

const KINDS: readonly ((layer: string, size: number) => object)[] = [
  (layer) => ({ freeze: layer }),
  (layer) => ({ unfreeze: layer }),
  (layer) => ({ freeze: { upTo: layer } }),
  (layer) => ({ freeze: { layer, units: "0" } }),
  (layer, units) => ({ addUnits: { layer, units, init: "random" } }),
  (layer, units) => ({ addUnits: { layer, units, init: "zero", train: "new" } }),
  (layer, units) => ({ addUnits: { layer, units, init: "net2wider" } }),
  (layer) => ({ removeUnits: { layer, units: "0" } }),
  (layer, units) => ({ replaceUnits: { layer, units } }),
  (_, classes) => ({ addClasses: { classes } }),
  (_, classes) => ({ replaceOutput: { classes: classes + 1 } }),
  (_, classes) => ({ replaceOutput: { classes, loss: "sigmoidCrossEntropy" } }),
  (_, classes) => ({ replaceOutput: { classes: classes + 1, connections: "replace" } }),
  (_, classes) => ({ replaceOutput: { classes: classes + 1, head: "dense" } }),
  (_, classes) => ({ replaceOutput: { classes: classes + 1, head: "pooling" } }),
  (layer, units) => ({ addUnits: { layer, units, keepOldBranch: true } }),
  (_, channels) => ({ setInput: { channels } }),
  (_, channels) => ({ setInput: { channels: 2 * channels, how: "repeat" } }),
  (layer) => ({ setOutputs: { outputs: layer } }),
  (layer) => ({ setOutputs: { outputs: [layer], keep: true } }),
  (after, units) => ({ insertLayer: { after, layer: { dense: { units } } } }),
  (before) => ({ insertLayer: { before, layer: { dense: { init: "identity" } } } }),
  (after, units) => ({ insertLayer: { after, layer: { conv2d: { units, strides: 2 } } } }),
  (before, units) => ({ insertLayer: { before, layer: { conv2d: { units, window: 2 } } } }),
  (after) => ({ insertLayer: { after, layer: { batchNorm: {} } } }),
  (before) => ({ insertLayer: { before, layer: { dropout: { rate: 0.3 } } } }),
  (layer) => ({ removeLayer: { layer } }),
  (layer) => ({ removeLayer: { layer, connections: "remove" } }),
  (layer) => ({ setLayer: { layer, activation: "tanh" } }),
  (layer) => ({ setLayer: { layer, batchNorm: "inference" } }),
  (layers) => ({ reinitialize: { layers } }),
  (from) => ({ rename: { from, to: `${from}/inner` } }),
];

const sequences = fc.record({
  design: designs,
  edits: fc.array(edit, { minLength: 1, maxLength: 5 }),
});

function after(source: Model, edits: readonly { kind: number; layer: number; size: number }[]) {
  const written: object[] = [];
  let model = source;
  for (const { kind, layer, size } of edits) {
    const { layers } = model;
    const next = KINDS[kind % KINDS.length](layers[layer % layers.length].name, size);
    const result = edited(source, ...written, next);
    if (result.problems.length > 0) {
      expect(result.problems[0].code).not.toBe("internal");
      expect(result.problems[0].message.length).toBeGreaterThan(20);
      continue;
    }
    written.push(next);
    model = result.model;
  }
  return model;
}

const lessonFor = (model: Model) =>
  lessonOf(model, { samples: SAMPLES, batch: SAMPLES, optimizer: { sgd: { learningRate: 0.5 } } });

/** With a loss; not every output can have one. */
function trainable(model: Model): Model | undefined {
  try {
    return withLoss(model);
  } catch (error) {
    if (error instanceof GraftError) return undefined;
    throw error;
  }
}

const trainsAll = (model: Model): Model => ({
  ...model,
  variables: new Map(
    [...model.variables].map(([name, variable]) => [
      name,
      variable.role === "weight"
        ? { ...variable, trainable: [wholeRegion(variable.shape)] }
        : variable,
    ]),
  ),
});

describe.each(["cpu", "compiled"] as const)("on %s", (backend) => {
  test("a step moves what is not frozen as it would without freezing, and nothing else by a bit", async () => {
    const executor = await executorOn(backend);
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(sequences, async ({ design, edits }) => {
        const model = trainable(after(built(design), edits));
        if (model === undefined || trainedVariables(model).length === 0) return;
        const standing = beginning(lessonFor(model));
        await train(executor, lessonFor(model), standing);
        const before = startOf(model);
        const free = beginning(lessonFor(trainsAll(model)));
        // Batch norm and dropout run in another mode where they are frozen.
        const same = ![...model.nodes.values()].some(({ op }) => /BatchNorm|Dropout/.test(op));
        if (same) await train(executor, lessonFor(trainsAll(model)), free);
        for (const variable of model.variables.values()) {
          if (variable.role !== "weight" || !standing.live.has(variable.name)) continue;
          const mask = trainableMask(variable);
          const [now, was] = [standing.live.get(variable.name), before.get(variable.name)];
          const moved = free.live.get(variable.name);
          const wrong = now.findIndex((value, index) =>
            mask?.[index] === 0
              ? !Object.is(value, was[index])
              : same && !(Math.abs(value - moved[index]) < 1e-5),
          );
          expect(wrong, variable.name).toBe(-1);
          steps++;
        }
      }),
      { numRuns: backend === "cpu" ? 100 : 40, seed: 7 },
    );
    expect(steps).toBeGreaterThan(50);
  });
});
