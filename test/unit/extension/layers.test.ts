// The rows of the Layers view: what they say, in which order, and what the filter leaves.
import { describe, expect, test } from "vitest";
import { buildTree, nodeId, type LayerNode } from "../../../src/extension/layers/nodes";
import { rowOf } from "../../../src/extension/layers/rows";
import type { Plan, PlanLayer, PlanVariable } from "../../../src/protocol/plan";

const file = {
  path: "/w/digits.ckpt",
  name: "digits.ckpt",
  format: "tf1",
  formatLabel: "TensorFlow 1",
  files: ["/w/digits.ckpt.index"],
};

function variable(
  name: string,
  shape: readonly number[],
  more: Partial<PlanVariable> = {},
): PlanVariable {
  const parameters = shape.reduce((product, size) => product * size, 1);
  return {
    name,
    dtype: "float32",
    shape,
    parameters,
    trainableParameters: 0,
    state: "frozen",
    ...more,
  };
}

function layer(name: string, more: Partial<PlanLayer> = {}): PlanLayer {
  const variables = [variable(`${name}/weights`, [300, 100]), variable(`${name}/biases`, [100])];
  const parameters = 30_100;
  const what = "dense relu";
  const sizes = "300 → 100";
  const base = {
    name,
    kind: "dense",
    state: "frozen",
    what,
    sizes,
    parameters,
    variables,
  } as const;
  return { ...base, trainableParameters: 0, units: 100, isOutput: false, ...more };
}

const plan: Plan = {
  checkpoint: file,
  feeds: [],
  inputs: [{ name: "X", shape: [null, 64] }],
  parameters: 55_853,
  trainableParameters: 6153,
  layers: [
    layer("hidden1"),
    layer("hidden2"),
    layer("hidden3", {
      state: "partly",
      sizes: "100 → 50 + 8",
      parameters: 5858,
      trainableParameters: 5858,
      change: "8 new units",
      edit: 1,
      variables: [variable("hidden3/weights", [100, 58], { state: "new", shapeBefore: [100, 50] })],
    }),
    layer("outputs", {
      state: "new",
      what: "dense",
      sizes: "58 → 5",
      parameters: 295,
      trainableParameters: 295,
      change: "new",
      edit: 2,
      isOutput: true,
    }),
  ],
  otherVariables: [variable("global_step", [])],
  cut: {
    beforeLayer: 2,
    tensors: [{ name: "hidden2/Relu", shape: [100] }],
    valuesPerSample: 100,
    bytesPerSample: 400,
    samples: 896,
    speedUp: 3.24,
  },
  variableChanges: [],
  effects: [],
  changes: ["Freezes hidden1 and hidden2.", "Adds 8 units to hidden3.", "Replaces the output."],
  problems: [],
};

const shown = { file, plan };
const row = (node: LayerNode) => rowOf(node, () => "");

function text(filter = ""): readonly string[] {
  const tree = buildTree([file], shown, filter);
  const print = (node: LayerNode, depth: number): string[] => {
    const { icon, label, description } = row(node);
    const line = `${"  ".repeat(depth)}${icon} ${label}: ${description}`;
    return [line, ...(tree.children.get(node) ?? []).flatMap((child) => print(child, depth + 1))];
  };
  return tree.roots.flatMap((root) => print(root, 0));
}

test("the whole tree", () => {
  expect(text()).toEqual([
    "package digits.ckpt: 11 % will train · 56 k parameters · TensorFlow 1",
    "  arrow-right X: input · 64",
    "  lock hidden1: frozen · 300 → 100 · dense relu · 30,100",
    "    symbol-array weights: float32 · 300 × 100",
    "    symbol-array biases: float32 · 100",
    "  lock hidden2: frozen · 300 → 100 · dense relu · 30,100",
    "    symbol-array weights: float32 · 300 × 100",
    "    symbol-array biases: float32 · 100",
    "  dash bottleneck: 100 values a sample · 0.4 MB for 896 samples · training 3.2 times as fast",
    "  edit hidden3: partly trainable · 8 new units · 100 → 50 + 8 · dense relu · 5,858",
    "    add weights: new · float32 · 100 × 58 · was 100 × 50",
    "  add outputs: new · 58 → 5 · dense · 295",
    "    lock weights: frozen · float32 · 300 × 100",
    "    lock biases: frozen · float32 · 100",
    "  list-unordered other variables: 1 · in no layer",
    "    symbol-array global_step: float32 · scalar",
  ]);
});

test("where nothing is frozen there is no bottleneck to tell of", () => {
  const cut = { beforeLayer: 0, tensors: [], valuesPerSample: 64, bytesPerSample: 256 };
  const { children, roots } = buildTree([file], { file, plan: { ...plan, cut } }, "");
  expect(children.get(roots[0]!)?.filter(({ kind }) => kind === "cut")).toEqual([]);
});

test("the filter finds layers and variables that were never opened", () => {
  expect(text("HIDDEN3").map((line) => line.trim().split(":")[0])).toEqual([
    "package digits.ckpt",
    "edit hidden3",
    "add weights",
  ]);
  expect(text("biases").filter((line) => line.includes("biases"))).toHaveLength(3);
  expect(buildTree([file], shown, "biases")).toMatchObject({ matching: 3, layers: 4 });
});

describe("several checkpoints", () => {
  const other = { ...file, path: "/w/b/digits.ckpt" };

  test("are listed, one is open", () => {
    const { roots } = buildTree([file, other], shown, "");
    expect(roots.map((node) => row(node).context)).toEqual([
      "checkpoint.open",
      "checkpoint.closed",
    ]);
    expect(new Set(roots.map(nodeId)).size).toBe(2);
  });

  test("one from outside the workspace comes first", () => {
    const { roots } = buildTree([other], shown, "");
    expect(roots.map((node) => node.kind === "checkpoint" && node.file.path)).toEqual([
      file.path,
      other.path,
    ]);
  });

  test("nothing is open: nothing is expanded", () => {
    const { roots, children } = buildTree([file, other], undefined, "");
    expect(roots).toHaveLength(2);
    expect(children.size).toBe(0);
  });
});

test("a checkpoint that cannot be read says why", () => {
  const { roots, children } = buildTree([file], { file, failure: "The index is damaged." }, "");
  const [failure] = children.get(roots[0]!) ?? [];
  expect(failure && row(failure).label).toBe("The index is damaged.");
});

test("the row of a failure leaves out the folder; its tooltip has all of it", () => {
  const whole = `${file.path} is damaged: its end is missing.`;
  const { roots, children } = buildTree([file], { file, failure: whole }, "");
  const [failure] = children.get(roots[0]!) ?? [];
  expect(failure && row(failure)).toMatchObject({
    label: `${file.name} is damaged: its end is missing.`,
    tooltip: whole,
    spoken: whole,
  });
});

test.each<[Plan["inputs"][number], string]>([
  [{ name: "X", shape: [null, 64] }, "input · 64"],
  [{ name: "X", shape: [null, null, 8], timeAxis: 1 }, "input · any steps × 8"],
  [{ name: "X", shape: [20, null, 8], timeAxis: 0 }, "input · 20 steps × 8"],
  [{ name: "words", shape: [null, 20], timeAxis: 1 }, "input · 20 steps"],
])("the row of the input %j", (input, description) => {
  const node: LayerNode = { kind: "input", input };
  expect(row(node).description).toBe(description);
});

describe("rows", () => {
  const tree = buildTree([file], shown, "");
  const nodes = tree.children.get(tree.roots[0]!) ?? [];
  const find = (label: string) => row(nodes.find((node) => row(node).label === label)!);

  test("a changed layer names its edit in the tooltip", () => {
    expect(find("hidden3").tooltip).toContain("Edit 2 of the recipe: Adds 8 units to hidden3.");
  });

  test("tooltips say how the checkpoint was trained", () => {
    const normalizer = "standardized by the checkpoint's normalizer";
    const dl4j: Plan = {
      ...plan,
      checkpoint: { ...file, normalizer },
      layers: [layer("hidden1", { updater: "Adam, learning rate 0.02" })],
    };
    const { roots, children } = buildTree([file], { file, plan: dl4j }, "");
    expect(row(roots[0]!).tooltip).toContain(`Samples: ${normalizer}`);
    const own = children.get(roots[0]!)!.find(({ kind }) => kind === "layer")!;
    expect(row(own).tooltip).toContain("Updater in the checkpoint: Adam, learning rate 0.02");
  });

  test("context values say what fits", () => {
    expect(find("hidden1").context).toBe("layer.frozen.units");
    expect(find("outputs").context).toBe("layer.new.output.units.edited");
  });

  test("screen readers hear the state, not the icon", () => {
    expect(find("hidden1").spoken).toBe(
      "hidden1, frozen, dense relu, 300 to 100, 30,100 parameters",
    );
    expect(find("bottleneck").spoken).toContain("Caching keeps 100 values a sample, 0.4 MB");
  });

  test("every node has an id of its own, and the ids do not depend on the plan's identity", () => {
    const all = [...tree.parents.keys(), ...tree.roots];
    const again = buildTree([file], { file, plan: structuredClone(plan) }, "");
    expect(new Set(all.map(nodeId)).size).toBe(all.length);
    expect([...again.parents.keys(), ...again.roots].map(nodeId)).toEqual(all.map(nodeId));
  });

  test("parents lead back", () => {
    for (const [node, parent] of tree.parents) expect(tree.children.get(parent)).toContain(node);
  });
});

test("five thousand layers are built in no time", () => {
  const layers = Array.from({ length: 5000 }, (_, i) => layer(`layer${i}`));
  const began = performance.now();
  buildTree([file], { file, plan: { ...plan, layers } }, "er49");
  expect(performance.now() - began).toBeLessThan(500);
});
