// Any edits in any order, for property tests.
import fc from "fast-check";
import { expect } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { built, designs } from "./networks";
import { builtSequence, sequenceDesigns } from "./recurrentNetworks";
import { edited } from "./run";

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
  (_, classes) => ({ replaceOutput: { classes: classes + 1, head: "lastStep" } }),
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
  (after, units) => ({ insertLayer: { after, layer: { lstm: { units, peepholes: units > 2 } } } }),
  (before, units) => ({ insertLayer: { before, layer: { gru: { units } } } }),
  (layer) => ({ removeLayer: { layer } }),
  (layer) => ({ removeLayer: { layer, connections: "remove" } }),
  (layer) => ({ setLayer: { layer, activation: "tanh" } }),
  (layer) => ({ setLayer: { layer, batchNorm: "inference" } }),
  (layers) => ({ reinitialize: { layers } }),
  (from) => ({ rename: { from, to: `${from}/inner` } }),
];

const edits = fc.array(edit, { minLength: 1, maxLength: 5 });

/** A network and edits of it. */
export const sequences = fc
  .record({ design: designs, edits })
  .map((each) => ({ ...each, model: built(each.design) }));

/** The same of recurrent ones. */
export const recurrentSequences = fc
  .record({ design: sequenceDesigns, edits })
  .map((each) => ({ ...each, model: builtSequence(each.design) }));

/** `source` with those of the edits that are not refused. */
export function after(
  source: Model,
  edits: readonly { kind: number; layer: number; size: number }[],
) {
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
