// Other outputs: classes, heads, activations, losses, and hidden layers that become the output.
import { beforeAll, describe, expect, test } from "vitest";
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { withLoss } from "../../../src/engine/graph/loss";
import { layersOfOutput } from "../../../src/engine/surgery/output";
import { replaceOutput } from "../../../src/engine/surgery/replaceOutput";
import { executorOn } from "../executor";
import { node } from "../handmade";
import {
  classifier,
  conv,
  dense,
  headless,
  MEAN,
  mobileNet,
  network,
  sparseLoss,
  squeezeNet,
  twoHeads,
} from "./heads";
import { edited, largestDifference, logits, numbersOf, stored } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

/** The model after edits that must fit. */
function after(model: Model, ...edits: readonly object[]): Model {
  const { model: result, problems } = edited(model, ...edits);
  expect(problems).toEqual([]);
  return result;
}
const replaced = (model: Model, spec: object) => after(model, { replaceOutput: spec });
const refusal = (model: Model, ...edits: readonly object[]): string => {
  const { problems } = edited(model, ...edits);
  expect(problems).toHaveLength(1);
  return problems[0].message;
};
const shapes = ({ variables }: Model) =>
  Object.fromEntries([...variables.values()].map((each) => [each.name, each.shape]));
const op = (model: Model, name: string) => model.nodes.get(name)?.op;

/** Some samples, as `logits` of run.ts feeds them. */
function samples(model: Model): Tensor {
  const shape = [4, ...model.shapes.get("x")!.slice(1)];
  return tf.tensor(
    uniforms(5, ["x"], elements(shape)).map((value) => 2 * value - 1),
    shape,
  );
}

/** What `fetch` yields for the samples and some labels. */
async function fetched(source: Model, model: Model, fetch: string, feeds: Record<string, Tensor>) {
  const values = await numbersOf(source, model);
  const variables = new Map(
    [...values].map(([name, numbers]) => [
      name,
      tf.tensor(numbers, [...model.variables.get(name)!.shape]),
    ]),
  );
  const given = new Map(Object.entries({ x: samples(model), ...feeds }));
  return run(pathTo(model, [fetch]), given, variables, INFERENCE)[0].dataSync();
}

describe("a head of several nodes", () => {
  test.each<[string, () => Model, Readonly<Record<string, readonly number[]>>]>([
    ["SqueezeNet", squeezeNet, { "conv10/w": [1, 1, 4, 6], "conv10/b": [6] }],
    ["MobileNet", mobileNet, { "Logits/w": [1, 1, 4, 6], "Logits/b": [6] }],
  ])("%s gets other classes", async (_, made, changed) => {
    const model = made();
    const now = replaced(model, { classes: 6 });
    expect(shapes(now)).toEqual({ ...shapes(model), ...changed });
    expect(now.shapes.get(now.roles.output!)).toEqual([-1, 6]);
    expect(now.shapes.get("prediction")).toEqual([-1, 6]);
    expect(await logits(model, now)).toHaveLength(4 * 6);
  });

  test("added classes leave the old logits bit for bit", async () => {
    for (const model of [squeezeNet(), mobileNet()]) {
      const more = after(model, { addClasses: { classes: 2 } });
      const old = (await logits(model, more)).filter((_, index) => index % 5 < 3);
      expect([...old]).toEqual([...(await logits(model, model))]);
    }
  });
});

describe("one output of several", () => {
  test("its units change, it is trained by its own part of the loss, and the other stays", async () => {
    const model = twoHeads();
    const now = replaced(model, { classes: 4, output: "parity" });
    expect(shapes(now)).toEqual({ ...shapes(model), "parity/w": [5, 4], "parity/b": [4] });
    expect(now.roles).toEqual({
      inputs: ["x"],
      output: "parity/BiasAdd",
      labels: "parity_y",
      loss: "parity_loss",
    });
    const of = (each: Model) => fetched(model, each, "digit/BiasAdd", {});
    expect([...(await of(now))]).toEqual([...(await of(model))]);
  });

  test("without a name the candidates are told, and the command asks for one", () => {
    expect(refusal(twoHeads(), { replaceOutput: { classes: 4 } })).toMatch(
      /digit\/BiasAdd, parity\/BiasAdd/,
    );
    expect(replaceOutput.questions(twoHeads(), {})).toMatchObject([
      { field: "output", candidates: ["digit/BiasAdd", "parity/BiasAdd"] },
    ]);
    expect(replaceOutput.questions(twoHeads(), { output: "digit" })).toMatchObject([
      { field: "classes", prompt: expect.stringContaining("now 3") as string },
    ]);
    expect(refusal(twoHeads(), { replaceOutput: { classes: 4, output: "digits" } })).toMatch(
      /no layer or op digits. The layers are hidden, digit and parity/,
    );
  });
});

describe("a network that ends in features", () => {
  test.each([false, true])("gets pooling and a dense layer, channels first: %s", async (first) => {
    const model = headless(first);
    const now = replaced(model, { classes: 2, head: "pooling" });
    expect(shapes(now)).toEqual({
      ...shapes(model),
      "logits/kernel": [4, 2],
      "logits/bias": [2],
    });
    expect(now.roles).toMatchObject({
      output: "logits/BiasAdd",
      labels: "graft/labels",
      loss: "graft/loss",
    });
    // The mean of every channel, by hand.
    const map = await fetched(model, model, "pool1", {});
    const pixels = map.length / 16;
    const kernel = (await numbersOf(model, now)).get("logits/kernel")!;
    const expected = Array.from({ length: 8 }, (_, at) => {
      const [sample, unit] = [Math.floor(at / 2), at % 2];
      let sum = 0;
      for (let c = 0; c < 4; c++)
        for (let p = 0; p < pixels; p++)
          sum +=
            (kernel[c * 2 + unit] / pixels) *
            map[sample * 4 * pixels + (first ? c * pixels + p : p * 4 + c)];
      return sum;
    });
    const found = await logits(model, now);
    expect(largestDifference(found, Float32Array.from(expected))).toBeLessThan(1e-6);
  });

  test("the refusal and the command offer it", () => {
    const edit = { replaceOutput: { classes: 2 } };
    expect(refusal(headless(), edit)).toMatch(
      /pool1 is a feature map \[\?, 3, 3, 4\]\. Put global average pooling .* "head": "pooling"/,
    );
    expect(replaceOutput.questions(headless(), {})).toMatchObject([
      { field: "head", ask: "choice", choices: [{ value: "pooling" }] },
      { field: "classes" },
    ]);
    expect(replaceOutput.questions(headless(), { head: "pooling" })).toMatchObject([
      { field: "classes" },
    ]);
  });

  test("a flattened one is no row of classes: it gets a dense layer", () => {
    const flat = network(
      [...conv("conv1", "x"), node("flat", "Reshape", ["conv1/Relu"], { shape: [-1, 100] })],
      { "conv1/w": [3, 3, 3, 4], "conv1/b": [4] },
      { output: "flat" },
      { x: [-1, 5, 5, 3] },
    );
    expect(refusal(flat, { replaceOutput: { classes: 2 } })).toMatch(/"head": "dense"/);
    expect(refusal(flat, { replaceOutput: { classes: 2, head: "pooling" } })).toMatch(
      /flat is \[\?, 100\]. Use "head": "dense"/,
    );
    const now = replaced(flat, { classes: 2, head: "dense" });
    expect(shapes(now)).toMatchObject({ "logits/kernel": [100, 2] });
  });

  test("a head behind a classifier leaves the old classes, and takes over loss and labels", async () => {
    const model = classifier(sparseLoss("outputs/BiasAdd"));
    const now = replaced(model, { classes: 2, head: "dense" });
    expect(now.roles).toEqual({
      inputs: ["x"],
      output: "logits/BiasAdd",
      labels: "y",
      loss: "loss",
    });
    expect(now.nodes.has("each")).toBe(false);
    const old = await fetched(model, now, "outputs/BiasAdd", {});
    expect([...old]).toEqual([...(await logits(model, model))]);
  });
});

describe("connections", () => {
  const model = () =>
    network(
      [
        ...dense("hidden", "x"),
        node("hidden/Relu", "Relu", ["hidden/BiasAdd"], {}),
        ...dense("outputs", "hidden/Relu"),
        node("prediction", "Softmax", ["outputs/BiasAdd"], {}),
        ...dense("again", "outputs/BiasAdd"),
        ...sparseLoss("outputs/BiasAdd"),
      ],
      {
        "hidden/w": [4, 5],
        "hidden/b": [5],
        "outputs/w": [5, 3],
        "outputs/b": [3],
        "again/w": [3, 2],
        "again/b": [2],
      },
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { x: [-1, 4], y: [-1] },
    );

  test("kept, the units cannot change alone where another layer reads them", () => {
    expect(refusal(model(), { replaceOutput: { classes: 2 } })).toMatch(
      /also feed again\/w.*"connections": "replace"/,
    );
  });

  test("replaced, the old output goes with all that reads it", () => {
    const now = replaced(model(), { classes: 2, connections: "replace" });
    expect(shapes(now)).toEqual({
      "hidden/w": [4, 5],
      "hidden/b": [5],
      "logits/kernel": [5, 2],
      "logits/bias": [2],
    });
    expect(now.layers.map(({ name }) => name)).toEqual(["hidden", "logits"]);
    expect([...now.nodes.keys()].filter((name) => /outputs|again|prediction/.test(name))).toEqual(
      [],
    );
    expect(now.roles).toMatchObject({ output: "logits/BiasAdd", labels: "y", loss: "loss" });
    expect(now.nodes.get("logits/MatMul")!.inputs[0]).toEqual({ node: "hidden/Relu" });
  });
});

describe("the activation", () => {
  const model = () => classifier(sparseLoss("outputs/BiasAdd"));

  test("that is there becomes another, under its name", async () => {
    const now = replaced(model(), { classes: 3, activation: "sigmoid" });
    expect(op(now, "prediction")).toBe("Sigmoid");
    expect(now.nodes.size).toBe(model().nodes.size);
    expect(op(replaced(model(), { classes: 3, activation: "none" }), "prediction")).toBe(
      "Identity",
    );
    expect(op(replaced(model(), { classes: 3, activation: "softmax" }), "prediction")).toBe(
      "Softmax",
    );
    const values = await logits(model(), now);
    const activated = await fetched(model(), now, "prediction", {});
    const expected = values.map((value) => 1 / (1 + Math.exp(-value)));
    expect(largestDifference(Float32Array.from(activated), expected)).toBeLessThan(1e-6);
  });

  test("is added where there is none", () => {
    const now = after(headless(), {
      replaceOutput: { classes: 3, head: "pooling", activation: "softmax" },
    });
    expect(now.nodes.get("logits/Softmax")).toMatchObject({
      op: "Softmax",
      inputs: [{ node: "logits/BiasAdd" }],
    });
  });

  test("that the loss reads does not change without the loss", () => {
    const byHand = classifier(
      [
        node("logs", "Log", ["prediction"], {}),
        node("products", "Mul", ["y", "logs"], {}),
        node("sum", "Sum", ["products"], { axes: [1], keepDims: false }),
        node("each", "Neg", ["sum"], {}),
        node("loss", "Mean", ["each"], MEAN),
      ],
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { y: [-1, 3] },
    );
    expect(refusal(byHand, { replaceOutput: { classes: 3, activation: "sigmoid" } })).toMatch(
      /loss reads prediction \(Softmax\).*"loss": "sigmoidCrossEntropy"/,
    );
    const both = { classes: 2, activation: "sigmoid", loss: "sigmoidCrossEntropy" };
    const now = replaced(byHand, both);
    // What only the old loss needed is gone, the softmax with it; a new one reads the logits.
    expect(now.nodes.has("logs")).toBe(false);
    expect(op(now, "outputs/Sigmoid")).toBe("Sigmoid");
    expect(now.roles).toMatchObject({ labels: "y", loss: "loss" });
    expect(now.shapes.get("y")).toEqual([-1, 2]);
  });
});

describe("the loss", () => {
  /** With a penalty that any other loss must keep. */
  const model = () =>
    classifier(
      [
        ...sparseLoss("outputs/BiasAdd").map((each) =>
          each.name === "loss" ? { ...each, name: "mean" } : each,
        ),
        node("penalty", "L2Loss", ["[hidden/w]"], {}),
        node("loss", "Add", ["mean", "penalty"], {}),
      ],
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
    );
  const penalty = () => stored(model(), "hidden/w").reduce((sum, w) => sum + (w * w) / 2, 0);
  const rows = [0, 1, 1, 0, 0.5, 0.25, 1, 0];

  /** Of logits and rows of targets, in plain arithmetic. */
  const BY_HAND: Readonly<Record<string, (z: Float32Array) => number>> = {
    softmaxCrossEntropy: (z) => {
      let sum = 0;
      for (let s = 0; s < 4; s++) {
        const total = Math.exp(z[2 * s]) + Math.exp(z[2 * s + 1]);
        for (let u = 0; u < 2; u++)
          sum -= rows[2 * s + u] * Math.log(Math.exp(z[2 * s + u]) / total);
      }
      return sum / 4;
    },
    sigmoidCrossEntropy: (z) =>
      z.reduce((sum, value, at) => {
        const p = 1 / (1 + Math.exp(-value));
        return sum - rows[at] * Math.log(p) - (1 - rows[at]) * Math.log(1 - p);
      }, 0) / 8,
    // Compares what the activation yields.
    meanSquaredError: (z) => {
      let sum = 0;
      for (let s = 0; s < 4; s++) {
        const total = Math.exp(z[2 * s]) + Math.exp(z[2 * s + 1]);
        for (let u = 0; u < 2; u++) sum += (Math.exp(z[2 * s + u]) / total - rows[2 * s + u]) ** 2;
      }
      return sum / 8;
    },
  };

  test.each(Object.keys(BY_HAND))("%s", async (loss) => {
    const now = replaced(model(), { classes: 2, loss });
    expect(now.roles).toMatchObject({ labels: "graft/labels", loss: "loss" });
    expect(now.shapes.get("graft/labels")).toEqual([-1, 2]);
    expect(now.nodes.has("each")).toBe(false);
    // The owner's placeholder stays, for what else reads it.
    expect(now.nodes.has("y")).toBe(true);
    const [found] = await fetched(model(), now, "loss", {
      "graft/labels": tf.tensor(rows, [4, 2]),
    });
    const z = Float32Array.from(await fetched(model(), now, "outputs/BiasAdd", {}));
    expect(found).toBeCloseTo(BY_HAND[loss](z) + penalty(), 5);
  });

  test("that the graph has already stays as it is", () => {
    const same = replaced(model(), { classes: 2, loss: "sparseSoftmaxCrossEntropy" });
    expect(same).toEqual(replaced(model(), { classes: 2 }));
  });

  test("of one number compares numbers: a regression", async () => {
    const source = model();
    const now = replaced(source, { classes: 1, activation: "none", loss: "meanSquaredError" });
    const targets = [1, -1, 0.5, 2];
    const [found] = await fetched(source, now, "loss", {
      "graft/labels": tf.tensor(targets, [4, 1]),
    });
    const z = await fetched(source, now, "outputs/BiasAdd", {});
    const squares = targets.reduce((sum, target, at) => sum + (z[at] - target) ** 2, 0);
    expect(found).toBeCloseTo(squares / 4 + penalty(), 5);
  });

  test("of another kind is exchanged too, whatever else is added to it", async () => {
    const absolute = classifier(
      [
        node("difference", "Sub", ["outputs/BiasAdd", "y"], {}),
        node("each", "Abs", ["difference"], {}),
        node("mean", "Mean", ["each"], { axes: [0, 1], keepDims: false }),
        node("penalty", "L2Loss", ["[hidden/w]"], {}),
        node("loss", "Add", ["mean", "penalty"], {}),
      ],
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { y: [-1, 3] },
    );
    const now = replaced(absolute, { classes: 2, activation: "none", loss: "meanSquaredError" });
    expect(now.roles).toMatchObject({ labels: "y", loss: "loss" });
    const [found] = await fetched(absolute, now, "loss", { y: tf.tensor(rows, [4, 2]) });
    const z = await fetched(absolute, now, "outputs/BiasAdd", {});
    const squares = rows.reduce((sum, target, at) => sum + (z[at] - target) ** 2, 0);
    expect(found).toBeCloseTo(squares / 8 + penalty(), 5);
  });

  test("for classes needs rows of them", () => {
    const pixels = network(
      [
        ...conv("conv1", "x").slice(0, 2),
        node("y", "Placeholder", [], { dtype: "float32" }),
        node("each", "SquaredDifference", ["conv1/BiasAdd", "y"], {}),
        node("loss", "Mean", ["each"], { axes: [0, 1, 2, 3], keepDims: false }),
      ],
      { "conv1/w": [3, 3, 3, 4], "conv1/b": [4] },
      { output: "conv1/BiasAdd", labels: "y", loss: "loss" },
      { x: [-1, 5, 5, 3], y: [-1, 5, 5, 4] },
    );
    const message = refusal(pixels, {
      replaceOutput: { classes: 2, loss: "sparseSoftmaxCrossEntropy" },
    });
    expect(message).toMatch(/compares rows of classes; the output is \[\?, 5, 5, 4\]/);
    const now = replaced(pixels, { classes: 2 });
    expect(now.shapes.get("y")).toEqual([-1, 5, 5, 2]);
  });
});

test("a feature map is trained on only with a head behind it, and the layers that make classes are the output", () => {
  expect(() => withLoss(headless())).toThrow(
    /pool1 holds no classes: it is \[\?, 3, 3, 4\].*"head": "pooling"/,
  );
  expect([...layersOfOutput(squeezeNet())]).toEqual(["conv10"]);
  expect([...layersOfOutput(mobileNet())]).toEqual(["Logits"]);
  expect([...layersOfOutput(headless())]).toEqual([]);
  expect([...layersOfOutput(twoHeads())]).toEqual([]);
});

describe("setOutputs", () => {
  const model = () => classifier(sparseLoss("outputs/BiasAdd"));

  test("a hidden layer becomes the output, and what lies behind it is left out", async () => {
    const now = after(model(), { setOutputs: { outputs: "hidden" } });
    expect(shapes(now)).toEqual({ "hidden/w": [4, 5], "hidden/b": [5] });
    expect(now.layers.map(({ name }) => name)).toEqual(["hidden"]);
    expect(now.roles).toEqual({ inputs: ["x"], output: "hidden/Relu" });
    const found = await logits(model(), now);
    expect([...found]).toEqual([...(await fetched(model(), model(), "hidden/Relu", {}))]);
  });

  test("everything stays with keep", () => {
    const now = after(model(), { setOutputs: { outputs: "hidden", keep: true } });
    expect(now.nodes).toEqual(model().nodes);
    expect(now.roles).toEqual({ inputs: ["x"], output: "hidden/Relu" });
  });

  test("several stay; of the output that was, loss and labels too", () => {
    const now = after(model(), { setOutputs: { outputs: ["prediction", "hidden"] } });
    expect(now.roles).toEqual(model().roles);
    expect([...now.nodes.keys()].sort()).toEqual([...model().nodes.keys()].sort());
    const heads = after(twoHeads(), { setOutputs: { outputs: "digit" } });
    expect(heads.roles).toEqual({
      inputs: ["x"],
      output: "digit/BiasAdd",
      labels: "digit_y",
      loss: "digit_loss",
    });
    expect(heads.layers.map(({ name }) => name)).toEqual(["hidden", "digit"]);
    expect(heads.nodes.has("penalty")).toBe(false);
  });

  test("a new output goes behind the features", async () => {
    const now = after(
      model(),
      { setOutputs: { outputs: "hidden" } },
      { replaceOutput: { classes: 2, head: "dense" } },
    );
    expect(shapes(now)).toMatchObject({ "logits/kernel": [5, 2] });
    expect(await logits(model(), now)).toHaveLength(8);
  });

  test("a name that there is not is told with those that there are", () => {
    expect(refusal(model(), { setOutputs: { outputs: "hiden" } })).toMatch(
      /no layer or op hiden. The layers are hidden and outputs/,
    );
  });
});

test("each edit says what it did", () => {
  const sentences = (model: Model, ...edits: object[]) =>
    edited(model, ...edits).edits.map(({ sentence }) => sentence);
  expect(
    sentences(
      headless(),
      { freeze: "conv1" },
      { replaceOutput: { classes: 2, head: "pooling", activation: "softmax" } },
    ).at(-1),
  ).toBe(
    "logits 4 → 2 is new; 2 new classes; their activation is softmax; the loss is sparseSoftmaxCrossEntropy, labels are fed to graft/labels; 10 numbers will train in all.",
  );
  expect(sentences(twoHeads(), { replaceOutput: { classes: 4, output: "parity" } })).toEqual([
    "parity 5 → 2 becomes 5 → 4; 4 new classes; of the loss only parity_loss counts; 67 numbers will train in all.",
  ]);
  expect(
    sentences(classifier(sparseLoss("outputs/BiasAdd")), { setOutputs: { outputs: "hidden" } }),
  ).toEqual(["hidden is the output; outputs is left out; 25 numbers will train in all."]);
});
