// Gradients against TensorFlow as it is installed. GRAFT_RECORD=1 writes what it yields to the fixture that
// test/engine/gradients compares with.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nameOf } from "../engine/gradients/case";
import { CASES } from "../engine/gradients/cases";
import { expectResult, TOLERANCE } from "../engine/gradients/compare";
import { uniform, valuesOf, weights } from "../engine/gradients/inputs";
import { gradients, type Result } from "../engine/gradients/run";
import { FIXTURES } from "./fixtures";
import { oracle, withTensorFlow } from "./python";

/** More outputs than any case has. */
const MOST = 1000;

withTensorFlow("gradients agree with TensorFlow", () => {
  let folder: string;
  let theirs: Readonly<Record<string, Result>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "graft-interop-"));
    const file = join(folder, "cases.json");
    const cases = CASES.map((each) => ({
      ...{ name: nameOf(each), op: each.op, attributes: each.attributes },
      inputs: each.inputs.map((input, index) => ({ ...input, values: valuesOf(input, index) })),
      weights: [...weights(MOST)],
      uniform: each.op === "Dropout" ? [...uniform(20)] : [],
      training: each.training === true,
    }));
    await writeFile(file, JSON.stringify(cases));
    theirs = await oracle("tf_gradients.py", [file]);
    if (process.env.GRAFT_RECORD) {
      const lines = Object.entries(theirs).map(
        ([name, result]) => `${JSON.stringify(name)}: ${JSON.stringify(result)}`,
      );
      await writeFile(join(FIXTURES, "gradients/expected.json"), `{\n${lines.join(",\n")}\n}\n`);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(CASES.map((each) => [nameOf(each), each] as const))("%s", async (name, each) => {
    expectResult(await gradients(each, "cpu"), theirs[name], TOLERANCE);
  });

  test("every case has a name of its own", () => {
    expect(new Set(CASES.map(nameOf)).size).toBe(CASES.length);
  });
});
