// Every value of real zips, bit for bit as Deeplearning4j had it.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openZip } from "../../../../src/engine/formats/dl4j/tensors";
import { fixture, sha256, type ExpectedTensor } from "../tf1/fixtures";
import { expectedOf, OLD_VERSIONS, oldNames, RECORDED_ZIPS } from "./zips";

const numbers = (bytes: Uint8Array): Float32Array =>
  new Float32Array(Uint8Array.from(bytes).buffer);

describe.each(RECORDED_ZIPS)("$zip", ({ zip, tensors }) => {
  test("its parameters", async () => {
    const opened = await openZip(fixture(zip));
    const stored = [...opened.tensors.keys()].filter((name) => !name.includes("/"));
    expect(stored).toEqual(Object.keys(tensors));
    for (const [name, expected] of Object.entries(tensors)) {
      expect(opened.tensors.get(name)!.shape, name).toEqual(expected.shape);
      expect(sha256(await opened.read(name)), name).toBe(expected.sha256);
    }
    await opened.close();
  });
});

test("the updater's state of Adam: m of all parameters, then v", async () => {
  const opened = await openZip(fixture("b5_dl4j_mlp_iris/model.zip"));
  const flat = numbers(await opened.updaterState!.read(0, 330));
  const recorded = expectedOf("b5_dl4j_mlp_iris/model.zip")["updater_state"] as ExpectedTensor;
  expect(sha256(new Uint8Array(flat.buffer))).toBe(recorded.sha256);
  // 165 parameters: 4 → 10 → 8 → 3, a matrix column by column and then its bias.
  const v = numbers(await opened.read("1_W/Adam/v"));
  const begin = 165 + 4 * 10 + 10;
  for (let row = 0; row < 10; row++)
    for (let column = 0; column < 8; column++)
      expect(v[row * 8 + column]).toBe(flat[begin + column * 10 + row]);
  expect(numbers(await opened.read("0_b/Adam/m"))).toEqual(flat.slice(40, 50));
  await opened.close();
});

test("what nothing moves has no state: frozen layers, statistics of a batch norm", async () => {
  const conv = await openZip(fixture("b5_dl4j_cnn_digits/model.zip"));
  expect(conv.slots.map(({ name }) => name)).toEqual(
    ["0_b", "0_W", "1_gamma", "1_beta", "3_b", "3_W", "4_W", "4_b", "5_W", "5_b"].map(
      (name) => `${name}/Nesterovs/v`,
    ),
  );
  await conv.close();
});

test("the normalizer: mean and deviation per feature", async () => {
  const zip = "b5_dl4j_mlp_iris/model_with_normalizer.zip";
  const opened = await openZip(fixture(zip));
  await opened.close();
  const recorded = expectedOf(zip) as Record<string, { readonly file: string }>;
  const list = (key: string) => [...numbers(readFileSync(fixture(zip, "..", recorded[key].file)))];
  expect(opened.normalizer).toEqual({
    kind: "standardize",
    mean: list("normalizer_mean"),
    std: list("normalizer_std"),
  });
});

interface OldArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

interface Old {
  readonly parameters: Readonly<Record<string, OldArray>>;
  readonly updater: OldArray | null;
  readonly input: OldArray;
  readonly output: OldArray;
}

describe.each(OLD_VERSIONS)("Deeplearning4j %s", (version) => {
  test.each(oldNames(version))("%s.zip", async (name) => {
    const path = fixture("dl4j_old", version, `${name}.zip`);
    const expected = JSON.parse(readFileSync(path.replace(/zip$/, "json"), "utf8")) as Old;
    const opened = await openZip(path);
    for (const [parameter, { shape, values }] of Object.entries(expected.parameters)) {
      const tensor = opened.tensors.get(parameter)!;
      // Biases were matrices of one row.
      expect(tensor.shape.filter((size) => size > 1)).toEqual(shape.filter((size) => size > 1));
      expect([...numbers(await opened.read(parameter))], parameter).toEqual(
        values.map(Math.fround),
      );
    }
    expect(opened.parameters).toHaveLength(Object.keys(expected.parameters).length);
    if (expected.updater !== null) {
      const { length } = opened.updaterState!;
      expect([...numbers(await opened.updaterState!.read(0, length))]).toEqual(
        expected.updater.values.map(Math.fround),
      );
      expect(opened.slots.length).toBeGreaterThan(0);
    }
    await opened.close();
  });

  test("squares are where Adam's state has squares", async () => {
    const opened = await openZip(fixture("dl4j_old", version, "graph.zip"));
    const values = async (kind: string) => {
      const slots = opened.slots.filter((slot) => slot.kind === kind);
      expect(slots.map(({ of }) => of)).toEqual(opened.parameters.map(({ variable }) => variable));
      const all = await Promise.all(slots.map(({ name }) => opened.read(name)));
      return all.map((bytes) => [...numbers(bytes)]);
    };
    const [m, v] = [await values("Adam/m"), await values("Adam/v")];
    expect(v.flat().every((value) => value >= 0)).toBe(true);
    // Of any gradients g, m is a sum of 0.1 · 0.9ᵏ g and v of 0.001 g² (nearly not decaying): m² ≤ about 53 v.
    for (const [index, each] of m.entries())
      for (const [at, value] of each.entries())
        expect(value ** 2).toBeLessThanOrEqual(54 * v[index][at] + 1e-12);
    expect(m.flat().some((value) => value < 0)).toBe(true);
    await opened.close();
  });
});

test.each(OLD_VERSIONS.filter((version) => oldNames(version).includes("normalizer")))(
  "the normalizer of %s",
  async (version) => {
    const path = fixture("dl4j_old", version, "normalizer.zip");
    const { input, output } = JSON.parse(readFileSync(path.replace(/zip$/, "json"), "utf8")) as Old;
    const opened = await openZip(path);
    await opened.close();
    // Until 0.8 it was a serialized object.
    if (version === "0.7.2") expect(opened.normalizer).toMatchObject({ kind: "unknown" });
    else if (opened.normalizer?.kind !== "standardize") expect.unreachable();
    else {
      const { mean, std } = opened.normalizer;
      for (const [at, value] of output.values.entries())
        expect((input.values[at] - mean[at % 3]) / std[at % 3]).toBeCloseTo(value, 5);
    }
  },
);
