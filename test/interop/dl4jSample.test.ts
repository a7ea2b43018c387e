// The sample with a GravesLSTM: what Graft saves of it, with and without training, in real Deeplearning4j.
import { cp } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readNpy } from "../../src/engine/data/npy";
import { expectClose } from "../engine/fixture";
import { type Dl4j, type JavaArray, type JavaOutput, startDl4j, withDl4j } from "./dl4j";
import { graft, makeFolder, train } from "./graft";

const SAMPLE = resolve(import.meta.dirname, "../../samples/graves-lstm");
const SOURCE = "digits_by_row.zip";
const RECIPE = "more_units.graft.json";
const RESULT = "result/more_units.zip";
const TEST = "mirrored_test_X.npy";

withDl4j("samples/graves-lstm", () => {
  let java: Dl4j;
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeAll(async () => {
    java = startDl4j();
    folder = await makeFolder();
    // Somebody may have run the sample where it is.
    const filter = (path: string) => path !== join(SAMPLE, "result");
    await cp(SAMPLE, folder.path, { recursive: true, filter });
  });
  afterAll(async () => {
    await java.close();
    await folder.remove();
  });

  async function outputThere(zip: string): Promise<JavaArray> {
    const { shape, data } = await readNpy(join(folder.path, TEST));
    const { outputs } = await java.ask<JavaOutput>({
      ...{ command: "output", path: join(folder.path, zip) },
      inputs: [{ shape, values: Array.from(data as Float32Array) }],
    });
    return outputs[0];
  }

  test("three units more, saved without training, predict the same there", async () => {
    await graft(folder.path, ["apply", RECIPE, "--as", "wider.zip"]);
    const [before, after] = [await outputThere(SOURCE), await outputThere("wider.zip")];
    expect(before.shape).toEqual([100, 10, 8]);
    expect(after.shape).toEqual(before.shape);
    expectClose(Float32Array.from(after.values), Float32Array.from(before.values), 1e-6);
  });

  test("trained, it predicts there what it predicts here", async () => {
    await train(folder.path, RECIPE);
    const there = await outputThere(RESULT);
    await graft(folder.path, [
      ...["predict", RESULT, "--input", TEST, "--layout", "NFT"],
      ...["--layer", "layer1", "--output", "here.npy"],
    ]);
    const { shape, data } = await readNpy(join(folder.path, "here.npy"));
    expect(shape).toEqual(there.shape);
    expectClose(data as Float32Array, Float32Array.from(there.values), 1e-5);
    expect(there.values).not.toEqual((await outputThere(SOURCE)).values);
  });
});
