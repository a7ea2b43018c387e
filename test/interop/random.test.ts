// Random networks that Graft writes with nothing to copy from, in the graph of another: TensorFlow restores and runs them.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/engine/data/npy";
import { BLANK_MODEL } from "../../src/engine/formats/tf1/blank";
import { openCheckpoint } from "../../src/engine/formats/table";
import { elements } from "../../src/engine/graph/model";
import { fromNothing } from "../engine/metagraph/random";
import { CLASSES, designs } from "../engine/surgery/networks";
import { computedHere, save, saveAnew, type PlainArray } from "./edited";
import { FIXTURES } from "./fixtures";
import { makeFolder } from "./graft";
import { flags, oracle, withTensorFlow } from "./python";
import { checkArguments, expectClose, type SavedReport } from "./saved";

const SAMPLES = 5;
const CASES = fc.sample(designs, { seed: 5, numRuns: 24 }).map((design, index) => ({
  name: String(index),
  source: [undefined, "b1_mini_v2", "b1_mini_resource"][index % 3],
  // On a CPU, TensorFlow convolves and pools with the channels last only.
  design: { ...design, channelsFirst: false },
  kinds: design.steps.map(({ kind }) => kind).join(", "),
}));

withTensorFlow("random networks", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let reports: Readonly<Record<string, SavedReport & { readonly error?: string }>>;
  const expected = new Map<string, number[][]>();

  beforeAll(async () => {
    folder = await makeFolder();
    const cases = [];
    for (const { name, source, design } of CASES) {
      const host = source ?? "b1_mini_v2";
      const checkpoint = await openCheckpoint(join(FIXTURES, host, "my_model_final.ckpt"));
      const model = fromNothing(design, source ? await checkpoint.model() : BLANK_MODEL);
      // The latest checkpoint of a folder is the one that a program restores.
      await mkdir(join(folder.path, name));
      const as = join(folder.path, name, "new.ckpt");
      if (source) await save(checkpoint, model, as);
      else await saveAnew(checkpoint, model, as);
      const [input, logits] = [model.roles.inputs[0], model.roles.output!];
      const fed = samples(model.shapes.get(input)!);
      await writeNpy(join(folder.path, `${name}/x.npy`), {
        shape: fed.shape,
        dtype: "float32",
        data: Float32Array.from(fed.values),
      });
      const [{ values }] = await computedHere(checkpoint, model, [logits], { [input]: fed });
      await checkpoint.close();
      expected.set(name, rows(values));
      const files = { result: `${name}/new.ckpt`, inputs: `${name}/x.npy` };
      const names = { input, logits, labels: model.roles.labels! };
      const [paths, options] = checkArguments(folder.path, files, names);
      cases.push([name, { arguments: [...paths, ...flags(options)] }] as const);
    }
    const file = join(folder.path, "cases.json");
    await writeFile(file, JSON.stringify(Object.fromEntries(cases)));
    reports = await oracle("tf_networks.py", [file]);
  });
  afterAll(() => folder.remove());

  test.each(CASES)("$name: $kinds, in the graph of $source", ({ name }) => {
    const found = reports[name];
    expect(found.error).toBeUndefined();
    expectClose(found.logits, expected.get(name)!, 1e-5);
    expect(found.savedAgain).toEqual(found.stored);
    expect(found.live).toEqual(found.stored);
    expect(found.init.finite).toBe(true);
  });
});

/** Numbers between −1 and 1 that look like none. */
function samples(shape: readonly number[]): PlainArray {
  const sized = shape.with(0, SAMPLES);
  const values = Array.from({ length: elements(sized) }, (_, index) => Math.sin(index * 1.7));
  return { dtype: "float32", shape: sized, values };
}

const rows = (values: readonly number[]): number[][] =>
  Array.from({ length: SAMPLES }, (_, row) => values.slice(row * CLASSES, (row + 1) * CLASSES));
