// Optimizers against TensorFlow and Keras as they are installed. GRAFT_RECORD=1 writes what they yield to the fixture
// that test/engine/train/optimizers.test.ts compares with.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tf } from "../../src/engine/ops/tf";
import { expectClose } from "../engine/fixture";
import { OPTIMIZER_CASES, ourSteps, question, type Steps } from "../engine/train/optimizers";
import { FIXTURES } from "./fixtures";
import { oracle, withTensorFlow } from "./python";

withTensorFlow("optimizers agree with TensorFlow 1 and Keras", () => {
  let folder: string;
  let theirs: readonly Steps[];

  beforeAll(async () => {
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");
    folder = await mkdtemp(join(tmpdir(), "graft-interop-"));
    const file = join(folder, "question.json");
    await writeFile(file, JSON.stringify(question()));
    theirs = await oracle<readonly Steps[]>("tf_optimizers.py", [file]);
    if (process.env.GRAFT_RECORD)
      await writeFile(join(FIXTURES, "optimizers/expected.json"), `${JSON.stringify(theirs)}\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(OPTIMIZER_CASES.map((optimizer, index) => [JSON.stringify(optimizer), index] as const))(
    "%s",
    (_, index) => {
      const ours = ourSteps(OPTIMIZER_CASES[index]);
      expect(ours.steps).toHaveLength(theirs[index].steps.length);
      ours.steps.forEach((values, step) =>
        expectClose(values, theirs[index].steps[step], 1e-6, `step ${step + 1}`),
      );
      ours.slots.forEach((slot, at) => expectClose(slot, theirs[index].slots[at], 1e-6));
    },
  );
});
