// Any edits in any order, on networks made at random: each is refused with a reason, or what comes out runs and trains.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withLoss } from "../../../src/engine/graph/loss";
import { wholeRegion, type Model } from "../../../src/engine/graph/model";
import { trainableMask } from "../../../src/engine/graph/regions";
import { trainedVariables } from "../../../src/engine/graph/order";
import { labelTarget } from "../../../src/engine/graph/target";
import { GraftError } from "../../../src/protocol/errors";
import { beginning, startOf, train } from "../compile/network";
import { executorOn } from "../executor";
import { lessonOf } from "./lesson";
import { sequenceLesson } from "./recurrentNetworks";
import { after, recurrentSequences, sequences } from "./sequences";

const SAMPLES = 6;

const HOW = { samples: SAMPLES, batch: SAMPLES, optimizer: { sgd: { learningRate: 0.5 } } };

/** Networks with their edits, something to learn, and how many to try on which backend. */
const FAMILIES = [
  ["cpu", "images and rows", sequences, lessonOf, 100],
  ["cpu", "sequences", recurrentSequences, sequenceLesson, 60],
  ["compiled", "images and rows", sequences, lessonOf, 40],
  ["compiled", "sequences", recurrentSequences, sequenceLesson, 25],
] as const;

/** With a loss; not every output can have one that is worth it. */
function trainable(model: Model): Model | undefined {
  // Of one class there is nothing to learn.
  if (model.shapes.get(model.roles.output ?? "")?.at(-1) === 1) return undefined;
  try {
    const withOne = withLoss(model);
    labelTarget(withOne);
    return withOne;
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

describe.each(FAMILIES)("on %s: %s", (backend, _, family, lessonOfFamily, runs) => {
  const lessonFor = (model: Model) => lessonOfFamily(model, HOW);

  test("a step moves what is not frozen as it would without freezing, and nothing else by a bit", async () => {
    const executor = await executorOn(backend);
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(family, async ({ model: source, edits }) => {
        const model = trainable(after(source, edits));
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
      { numRuns: runs, seed: 7 },
    );
    expect(steps).toBeGreaterThan(50);
  });
});
