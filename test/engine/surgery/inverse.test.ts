// Edits that have an exact inverse, on random networks: both in a row leave the model as it was.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { trainableMask } from "../../../src/engine/graph/regions";
import type { EditKind } from "../../../src/engine/surgery/edit";
import { EDITS, type EditName } from "../../../src/engine/surgery/table";
import { executorOn } from "../executor";
import { built, designs } from "./networks";
import { edited, numbersOf } from "./run";

beforeAll(async () => void (await executorOn("cpu")));

/** Edits of a layer; whether they fit is the network's affair. */
const KINDS: Readonly<Record<string, (layer: string, n: number) => object>> = {
  freeze: (layer) => ({ freeze: layer }),
  "freeze up to": (layer) => ({ freeze: { upTo: layer } }),
  "freeze units": (layer, n) => ({ freeze: { layer, units: `0-${n % 2}` } }),
  unfreeze: (layer) => ({ unfreeze: layer }),
  addUnits: (layer, n) => ({ addUnits: { layer, units: n } }),
  "addUnits zero": (layer, n) => ({ addUnits: { layer, units: n, init: "zero" } }),
  addClasses: (_, classes) => ({ addClasses: { classes, train: "all" } }),
  rename: (layer) => ({ rename: { from: layer, to: `scope/${layer}` } }),
  "insert dense": (after) => ({ insertLayer: { after, layer: { dense: {} } } }),
  "insert identity": (after) => ({
    insertLayer: { after, layer: { dense: { init: "identity", activation: "none" } } },
  }),
  "insert conv": (before) => ({ insertLayer: { before, layer: { conv2d: {} } } }),
  "insert batch norm": (after) => ({ insertLayer: { after, layer: { batchNorm: {} } } }),
  "insert dropout": (before) => ({ insertLayer: { before, layer: { dropout: { rate: 0.1 } } } }),
};

const masks = (model: Model) =>
  Object.fromEntries([...model.variables.values()].map((each) => [each.name, trainableMask(each)]));

/** Everything of a model but how its regions are cut. */
const content = (model: Model) => ({
  ...model,
  nodes: Object.fromEntries(model.nodes),
  variables: [...model.variables.values()].map((variable) => ({ ...variable, trainable: [] })),
  trainable: masks(model),
  shapes: Object.fromEntries(model.shapes),
  aliases: Object.fromEntries(model.aliases),
});

function inverseOf(model: Model, edit: object): object | undefined {
  const [[kind, spec]] = Object.entries(edit);
  const definition = EDITS[kind as EditName] as unknown as EditKind<unknown>;
  return definition.inverse?.(model, definition.schema.parse(spec));
}

test.each(Object.entries(KINDS))("%s is undone exactly", async (_, make) => {
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(
      designs,
      fc.nat(),
      fc.integer({ min: 1, max: 4 }),
      async (design, which, n) => {
        const source = built(design);
        const layers = source.layers.filter(({ nodes }) => nodes.length > 0);
        const { name } = layers[which % layers.length];
        // Something is frozen beforehand, so that what trains is not the same everywhere.
        const before = n % 2 === 0 ? edited(source, { freeze: layers[0].name }).model : source;
        const edit = make(name, n);
        const { model, problems } = edited(before, edit);
        if (problems.length > 0) return;
        const inverse = inverseOf(before, edit);
        if (inverse === undefined) return;
        const back = edited(model, inverse);
        expect(back.problems).toEqual([]);
        expect(content(back.model)).toEqual(content(before));
        expect(await numbersOf(source, back.model)).toEqual(await numbersOf(source, before));
        exact++;
      },
    ),
    { numRuns: 40, seed: 3 },
  );
  expect(exact).toBeGreaterThan(2);
});

test("an edit that cannot be undone says so", () => {
  const model = built({ image: false, channelsFirst: false, steps: [{ kind: "dense", units: 4 }] });
  const [layer] = model.layers.map(({ name }) => name);
  const frozen = edited(model, { freeze: layer }).model;
  expect(inverseOf(frozen, { freeze: ".*" })).toBeUndefined();
  expect(inverseOf(model, { unfreeze: layer })).toBeUndefined();
  const wider = { layer, units: 2 };
  expect(inverseOf(model, { addUnits: { ...wider, init: "net2wider" } })).toBeUndefined();
  expect(inverseOf(model, { addUnits: { ...wider, train: "new" } })).toBeUndefined();
  const insert = { after: layer, layer: { dense: { units: 9 } } };
  expect(inverseOf(model, { insertLayer: insert })).toBeUndefined();
});
