// Networks of sequences as Deeplearning4j saved them: predicted, planned, trained and scored from files.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/protocol/run";
import { swapTimeAndFeatures } from "../../src/engine/data/layout";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { readNpz } from "../../src/engine/data/npz";
import { evaluateNetwork } from "../../src/engine/evaluate";
import { uniforms } from "../../src/engine/graph/random";
import { predict } from "../../src/engine/predict";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { planRecipe } from "../../src/engine/recipe/plan";
import { exportBottlenecks } from "../../src/engine/train/export";
import { trainRecipe } from "../../src/engine/train/train";
import { expectClose, FIXTURES, fixture, type Recorded } from "./fixture";

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-sequences-"));
  fs.cpSync(path.join(FIXTURES, LSTM, "model.zip"), path.join(folder, "model.zip"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const LSTM = "b5_dl4j_graves_lstm";
const at = (name: string): string => path.join(folder, name);

async function save(name: string, recorded: Recorded, data: Float32Array, turned = false) {
  const array = { shape: recorded.shape, dtype: "float32" as const, data };
  await writeNpy(at(name), turned ? swapTimeAndFeatures(array) : array);
  return at(name);
}

describe.each([LSTM, "b5_dl4j_lstm"])("%s", (name) => {
  const { expected, floats } = fixture<Record<string, Recorded>>(name);
  const { input, output: probabilities, lstm_output: recorded } = expected;
  const checkpoint = path.join(FIXTURES, name, "model.zip");

  test.each(["NFT", "NTF"] as const)("predictions come back as %s", async (layout) => {
    const turned = layout === "NTF";
    const file = await save(`${name}-${layout}.npy`, input, floats(input), turned);
    const output = at(`${name}-${layout}-output.npy`);
    const request = { checkpoint, input: file, output, layer: "layer0", backend: "auto" } as const;
    // As many features as steps: nobody can tell.
    await expect(predict(request)).rejects.toMatchObject({ code: "data-ambiguous" });
    const result = await predict({ ...request, layout });
    const written = await readNpy(output);
    expect(result.shape).toEqual(written.shape);
    const found = turned ? swapTimeAndFeatures(written) : written;
    expect(found.shape).toEqual(recorded.shape);
    expectClose(found.data as Float32Array, floats(recorded), 1e-5);
  });

  test("without a layer, what DL4J's output() gives; its logits when they are named", async () => {
    const file = await save(`${name}-softmax.npy`, input, floats(input));
    const output = at(`${name}-softmax-output.npy`);
    const request = { checkpoint, input: file, output, layout: "NFT" } as const;
    const { shape, logits } = await predict({ ...request, backend: "auto" });
    expect(shape).toEqual(probabilities.shape);
    expectClose((await readNpy(output)).data as Float32Array, floats(probabilities), 1e-5);
    await predict({ ...request, backend: "auto", layer: logits });
    const odds = Float32Array.from((await readNpy(output)).data as Float32Array, Math.exp);
    const [, classes, steps] = probabilities.shape;
    const sum = (place: number): number => {
      const first = place - (place % (classes * steps)) + (place % steps);
      return Array.from({ length: classes }, (_, each) => odds[first + each * steps]).reduce(
        (a, b) => a + b,
      );
    };
    expectClose(
      odds.map((value, place) => value / sum(place)),
      floats(probabilities),
      1e-5,
    );
  });

  test("steps that are padding change nothing before them, and give zeros", async () => {
    const lengths = [3, 8, 1, 5, 8, 2];
    const [, units, steps] = recorded.shape;
    const there = (place: number): boolean =>
      place % steps < lengths[Math.floor(place / units / steps)];
    const padded = floats(input).map((value, place) => {
      const sample = Math.floor(place / 8 / steps);
      return place % steps < lengths[sample] ? value : 99;
    });
    const file = await save(`${name}-padded.npy`, input, padded);
    const output = at(`${name}-padded-output.npy`);
    await writeNpy(at("six.npy"), { shape: [6], dtype: "int32", data: Int32Array.from(lengths) });
    const request = { checkpoint, input: file, output, layer: "layer0", backend: "auto" } as const;
    await predict({ ...request, layout: "NFT", lengths: at("six.npy") });
    const { data } = await readNpy(output);
    const rows = (values: ArrayLike<number>) =>
      Float32Array.from(Array.from(values).filter((_, place) => there(place)));
    expectClose(rows(data as Float32Array), rows(floats(recorded)), 1e-5);
    const behind = Array.from(data as Float32Array).filter((_, place) => !there(place));
    expect(behind.every((value) => value === 0)).toBe(true);
  });
});

test("a zip's normalizer is applied, unless told otherwise", async () => {
  const { expected, floats } = fixture<Record<string, Recorded>>("b5_dl4j_mlp_iris");
  const { input, output, normalizer_mean: mean, normalizer_std: std } = expected;
  const [x, m, s] = [input, mean, std].map((each) => floats(each));
  const raw = x.map((value, place) => value * s[place % 4] + m[place % 4]);
  const checkpoint = path.join(FIXTURES, "b5_dl4j_mlp_iris/model_with_normalizer.zip");
  for (const [values, normalize] of [
    [raw, undefined],
    [x, false],
  ] as const) {
    const file = await save("iris.npy", input, values);
    const said = normalize === undefined ? {} : { normalize };
    const written = at("iris-output.npy");
    const { bound } = await predict({
      ...{ checkpoint, input: file, output: written, backend: "auto" as const },
      ...said,
    });
    expect(bound.some((line) => line.includes("normalizer"))).toBe(normalize === undefined);
    const { data } = await readNpy(written);
    expectClose(data as Float32Array, floats(output), 1e-5);
  }
});

describe("a recipe", () => {
  const LENGTHS = [3, 7, 5, 2, 7, 4, 6, 3];
  const steps = Math.max(...LENGTHS);
  const numbers = uniforms(3, ["x"], LENGTHS.length * steps * 8);
  const row = (n: number, t: number) =>
    numbers.subarray((n * steps + t) * 8, (n * steps + t + 1) * 8);
  const label = (n: number, t: number) => (row(n, t)[0] < 0.5 ? "low" : "high");
  const recipe = (data: object) => ({
    checkpoint: "model.zip",
    edits: [{ freeze: "layer0" }, { replaceOutput: { classes: ["low", "high"] } }],
    data: { validation: 0.25, ...data },
    train: [{ epochs: 2, batch: 3, optimizer: { sgd: { learningRate: 0.1 } } }],
    save: { as: "result.zip" },
  });
  const ragged = { inputs: "x", labels: "y" };

  beforeAll(async () => {
    for (const [index, length] of LENGTHS.entries()) {
      const all = Array.from({ length }, (_, t) => t);
      for (const [name, lines] of [
        ["x", all.map((t) => row(index, t).join(","))],
        ["y", all.map((t) => label(index, t))],
      ] as const) {
        fs.mkdirSync(at(name), { recursive: true });
        fs.writeFileSync(at(`${name}/${index}.csv`), `${lines.join("\n")}\n`);
      }
    }
    const data = Float32Array.from(numbers);
    const shape = [LENGTHS.length, steps, 8];
    await writeNpy(at("x.npy"), swapTimeAndFeatures({ shape, dtype: "float32", data }));
    const texts = LENGTHS.flatMap((length, n) =>
      Array.from({ length: steps }, (_, t) => (t < length ? label(n, t) : "")),
    );
    await writeNpy(at("y.npy"), { shape: shape.slice(0, 2), dtype: "string", data: texts });
    const lengths = Int32Array.from(LENGTHS);
    await writeNpy(at("lengths.npy"), { shape: [8], dtype: "int32", data: lengths });
    const square = new Float32Array(8 * 64);
    await writeNpy(at("square.npy"), { shape: [8, 8, 8], dtype: "float32", data: square });
  });

  const file = () => at("test.graft.json");
  async function train(data: object) {
    const events: RunEvent[] = [];
    await trainRecipe(parseRecipe(file(), JSON.stringify(recipe(data))), {
      ...{ run: "test", backend: "compiled", store: at("store"), resume: null },
      emit: (event) => void events.push(event),
      stopRequested: () => false,
      abandoned: () => false,
      keepState: async () => undefined,
    });
    return events;
  }

  test("trains the same from files by themselves and from a padded array with lengths", async () => {
    const losses = async (data: object) =>
      (await train(data)).flatMap((event) =>
        event.event === "epoch" ? [[event.loss, event.validationLoss, event.accuracy]] : [],
      );
    const padded = { inputs: "x.npy", labels: "y.npy", lengths: "lengths.npy" };
    const [a, b] = [await losses(ragged), await losses(padded)];
    expect(a).toHaveLength(2);
    expect(b).toEqual(a);
  });

  test("keeps bottlenecks of all steps, and counts the labels of those that are there", async () => {
    const events = await train(ragged);
    expect(events.find((event) => event.event === "bottlenecks")).toMatchObject({
      valuesPerSample: steps * 12,
    });
    const scored = await evaluateNetwork({
      network: parseRecipe(file(), JSON.stringify(recipe(ragged))),
      data: undefined,
      folder,
      backend: "compiled",
    });
    const counted = scored.classes.reduce((sum, each) => sum + each.samples, 0);
    expect(scored.samples).toBe(2);
    expect(counted).toBeLessThan(2 * steps);
    const all = await evaluateNetwork({
      ...{ network: at("result.zip"), folder, backend: "compiled" },
      data: { ...ragged, inputs: "x", classes: ["low", "high"] },
    });
    const total = LENGTHS.reduce((sum, length) => sum + length, 0);
    expect(all.classes.reduce((sum, each) => sum + each.samples, 0)).toBe(total);
  });

  test("exports bottlenecks with the steps that are there, and the labels that count", async () => {
    const exported = at("bottlenecks.npz");
    const settings = { output: exported, backend: "compiled", store: at("store") } as const;
    const counts = { ...ragged, labelsMask: "first.npy" };
    const first = LENGTHS.flatMap(() => Array.from({ length: steps }, (_, t) => Number(t === 0)));
    const all = LENGTHS.flatMap((length) => Array.from({ length: steps }, (_, t) => +(t < length)));
    const shape = [LENGTHS.length, steps];
    await writeNpy(at("first.npy"), { shape, dtype: "float32", data: Float32Array.from(first) });
    for (const [data, labelsMask] of [
      [ragged, all],
      [counts, first],
    ] as const) {
      await exportBottlenecks({ path: file(), text: JSON.stringify(recipe(data)) }, settings);
      const mask = await readNpz(exported, "mask");
      expect([mask.shape, [...mask.data]]).toEqual([shape, all]);
      expect([...(await readNpz(exported, "labelsMask")).data]).toEqual(labelsMask);
    }
    const whole = { inputs: "x.npy", labels: "rows.npy" };
    const labels = Array.from({ length: 8 * steps }, (_, place) => (place % 2 ? "low" : "high"));
    await writeNpy(at("rows.npy"), { shape, dtype: "string", data: labels });
    await exportBottlenecks({ path: file(), text: JSON.stringify(recipe(whole)) }, settings);
    await expect(readNpz(exported, "mask")).rejects.toThrow(/mask/);
  });

  test("plans with the sizes that headers tell, and says how sequences are read", async () => {
    const data = { inputs: "x.npy", labels: "y.npy" };
    const plan = await planRecipe(file(), JSON.stringify(recipe(data)));
    expect(plan.problems).toEqual([]);
    expect(plan.data).toEqual([
      "input: x.npy, 8 × 8 × 7 float32, read as [samples, features, time]",
    ]);
    expect(plan.cut).toMatchObject({ valuesPerSample: steps * 12, samples: 8 });
    expect(plan.inputs).toEqual([{ name: "input", shape: [null, null, 8], timeAxis: 1 }]);
  });

  test.each([
    ["model.zip", "result", /Deeplearning4j; names of such end with \.zip/],
    ["model.zip", "result.ckpt", /end with \.zip/],
    ["model.zip", "result.zip", undefined],
  ])("%s saved as %s", async (checkpoint, as, told) => {
    const what = { ...recipe({ inputs: "x.npy", labels: "y.npy" }), checkpoint, save: { as } };
    const { problems } = await planRecipe(file(), JSON.stringify(what));
    expect(problems).toEqual(
      told === undefined
        ? []
        : [
            {
              ...{ code: "recipe-schema", severity: "warning", pointer: "/save/as" },
              message: expect.stringMatching(told) as string,
            },
          ],
    );
  });

  test("that leaves open which axis is time has a problem", async () => {
    const data = { inputs: "square.npy", labels: "y.npy" };
    const { problems } = await planRecipe(file(), JSON.stringify(recipe(data)));
    expect(problems).toMatchObject([{ code: "data-ambiguous", pointer: "/data/inputs" }]);
  });
});
