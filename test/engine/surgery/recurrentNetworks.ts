// Random recurrent networks for property tests: stacks of LSTM and GRU in every form, both ways, with dense layers per
// step, masks, and labels per step or for the whole sequence.
import fc from "fast-check";
import type {
  GRUInput,
  LSTMInput,
  OpAttributes,
  OpName,
} from "../../../src/engine/graph/catalogue";
import {
  type Layer,
  type Model,
  type Node,
  type Ref,
  type Shape,
} from "../../../src/engine/graph/model";
import { labelTarget } from "../../../src/engine/graph/target";
import type { SampleArray } from "../../../src/engine/train/samples";
import type { Lesson } from "../compile/network";
import { handmade, node, PRODUCT } from "../handmade";
import { lessonOf } from "./lesson";

const STEPS = [
  "joined",
  "apart",
  "graves",
  "projected",
  "gru",
  "bidirectional",
  "dense",
  "residual",
  "tanh",
  "dropout",
] as const;
export type SequenceStep = { readonly kind: (typeof STEPS)[number]; readonly units: number };

export interface SequenceDesign {
  /** Samples are of different lengths, from 1 to TIME. */
  readonly masked: boolean;
  readonly resets: boolean;
  readonly timeMajor: boolean;
  /** Whether there is one output for each sample, and not for each of its steps. */
  readonly last: boolean;
  readonly steps: readonly SequenceStep[];
}

export const sequenceDesigns: fc.Arbitrary<SequenceDesign> = fc.record({
  masked: fc.boolean(),
  resets: fc.boolean(),
  timeMajor: fc.boolean(),
  last: fc.boolean(),
  steps: fc.array(
    fc.record({ kind: fc.constantFrom(...STEPS), units: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 5 },
  ),
});

export const TIME = 5;
export const FEATURES = 3;
export const CLASSES = 3;

const SWAP = { permutation: [1, 0, 2] };

class Builder {
  readonly nodes: Node[] = [];
  readonly weights: Record<string, Shape> = {};
  readonly layers: Layer[] = [];
  at = "x";
  units = FEATURES;
  #count = 0;

  constructor(readonly design: SequenceDesign) {}

  add<Op extends OpName>(
    name: string,
    op: Op,
    inputs: readonly string[],
    attributes: OpAttributes[Op],
  ): string {
    this.nodes.push(node(name, op, inputs, attributes));
    this.at = name;
    return name;
  }

  next(kind: string): string {
    return `${kind}${this.#count++}`;
  }

  layer(name: string, kind: string, first: number): void {
    const own = this.nodes.slice(first);
    const variables = own.flatMap(({ inputs }) =>
      inputs.flatMap((input: Ref) => ("variable" in input ? [input.variable] : [])),
    );
    this.layers.push({
      name,
      kind,
      nodes: own.map((each) => each.name),
      variables: [...new Set(variables)],
      output: this.at,
    });
  }

  dense(units: number): void {
    const [name, first] = [this.next("dense"), this.nodes.length];
    Object.assign(this.weights, { [`${name}/w`]: [this.units, units], [`${name}/b`]: [units] });
    this.add(`${name}/MatMul`, "MatMul", [this.at, `[${name}/w]`], PRODUCT);
    this.add(`${name}/BiasAdd`, "BiasAdd", [this.at, `[${name}/b]`], { dataFormat: "NHWC" });
    this.units = units;
    this.layer(name, "dense", first);
  }

  get #runs() {
    const { masked, resets, timeMajor } = this.design;
    return {
      activation: "tanh",
      gateActivation: "sigmoid",
      masked: resets ? "reset" : "hold",
      timeMajor,
      mask: masked ? ["mask"] : [],
    } as const;
  }

  /** Adds an LSTM whose weights have these shapes; returns its node. */
  #lstm(name: string, weights: readonly (readonly [LSTMInput, Shape])[], graves: boolean): string {
    const { mask, ...runs } = this.#runs;
    const names = weights.map(([input]) => `${name}/${input}`);
    weights.forEach(([, shape], index) => (this.weights[names[index]] = shape));
    const isApart = weights[0][0] === "kernel";
    const inputs = [this.at, ...names.map((each) => `[${each}]`), ...mask];
    return this.add(name, "LSTM", inputs, {
      ...runs,
      takes: [...weights.map(([input]) => input), ...(mask.length > 0 ? ["mask" as const] : [])],
      gates: isApart ? ["c", "f", "o", "i"] : ["i", "c", "f", "o"],
      peepholeColumns: graves ? ["f", "o", "i"] : [],
      forgetBias: isApart ? 0 : 1,
      cellClip: null,
      projectionClip: null,
    });
  }

  #apart(name: string, units: number, graves: boolean): string {
    return this.#lstm(
      name,
      [
        ["kernel", [this.units, 4 * units]],
        ["recurrentKernel", [units, 4 * units + (graves ? 3 : 0)]],
        ["bias", [4 * units]],
      ],
      graves,
    );
  }

  #gru(name: string, units: number): void {
    const { mask, ...runs } = this.#runs;
    const weights: readonly (readonly [GRUInput, Shape])[] = [
      ["gateKernel", [this.units + units, 2 * units]],
      ["gateBias", [2 * units]],
      ["candidateKernel", [this.units + units, units]],
      ["candidateBias", [units]],
    ];
    for (const [input, shape] of weights) this.weights[`${name}/${input}`] = shape;
    const inputs = [this.at, ...weights.map(([input]) => `[${name}/${input}]`), ...mask];
    const takes = [
      ...weights.map(([input]) => input),
      ...(mask.length > 0 ? ["mask" as const] : []),
    ];
    this.add(name, "GRU", inputs, { ...runs, takes, gates: ["r", "u"] });
  }

  step({ kind, units }: SequenceStep): void {
    const first = this.nodes.length;
    switch (kind) {
      case "dense":
        return this.dense(units);
      case "residual": {
        const before = this.at;
        this.dense(this.units);
        this.add(this.next("sum"), "Add", [before, this.at], {});
        return;
      }
      case "tanh":
        return void this.add(this.next("tanh"), "Tanh", [this.at], {});
      case "dropout":
        return void this.add(this.next("dropout"), "Dropout", [this.at], { rate: 0.5 });
      case "bidirectional":
        return this.#bidirectional(units);
      case "joined":
      case "apart":
      case "graves":
      case "projected":
      case "gru":
    }
    const name = this.next(kind);
    if (kind === "gru") this.#gru(name, units);
    else if (kind === "apart" || kind === "graves") this.#apart(name, units, kind === "graves");
    else {
      const width = kind === "projected" ? 2 : units;
      const more = [
        ["peepholeInput", [units]],
        ["peepholeForget", [units]],
        ["peepholeOutput", [units]],
        ["projection", [units, width]],
      ] as const;
      const kernel = [this.units + width, 4 * units];
      const own = [["joinedKernel", kernel] as const, ["bias", [4 * units]] as const];
      this.#lstm(name, [...own, ...(kind === "projected" ? more : [])], false);
      this.units = width;
      return this.layer(name, "LSTM", first);
    }
    this.units = units;
    this.layer(name, kind === "gru" ? "GRU" : "LSTM", first);
  }

  /** Two LSTMs; the second reads each sample from its end. */
  #bidirectional(units: number): void {
    const [from, first, name] = [this.at, this.nodes.length, this.next("both")];
    const { masked, timeMajor } = this.design;
    const turns = {
      axis: timeMajor ? 0 : 1,
      batchAxis: timeMajor ? 1 : 0,
    };
    const lengths = masked ? ["lengths"] : [];
    const there = this.#apart(`${name}/there`, units, false);
    this.layer(`${name}/there`, "LSTM", first);
    this.add(`${name}/turned`, "Reverse", [from, ...lengths], turns);
    const second = this.nodes.length;
    const back = this.#apart(`${name}/back`, units, false);
    this.layer(`${name}/back`, "LSTM", second);
    const again = this.add(`${name}/again`, "Reverse", [back, ...lengths], turns);
    this.add(name, "Concat", [there, again], { axis: 2 });
    this.units = 2 * units;
  }
}

/** The network of a design, ending in `CLASSES` logits and their cross-entropy. */
export function builtSequence(design: SequenceDesign): Model {
  const { masked, timeMajor, last, steps } = design;
  const builder = new Builder(design);
  const swap = () =>
    timeMajor && builder.add(builder.next("swap"), "Transpose", [builder.at], SWAP);
  swap();
  const x = builder.at;
  if (masked) builder.add("mask", "SequenceMask", ["lengths", x], { timeMajor });
  builder.at = x;
  for (const step of steps) builder.step(step);
  if (last)
    builder.add("last", "LastStep", [builder.at, ...(masked ? ["mask"] : [])], { timeMajor });
  else swap();
  builder.dense(CLASSES);
  const output = builder.at;
  builder.add("each", "SparseSoftmaxCrossEntropy", [output, "y"], {});
  builder.add("loss", "Mean", ["each"], { axes: last ? [0] : [0, 1], keepDims: false });
  return handmade({
    fed: {
      x: [-1, TIME, FEATURES],
      y: last ? [-1] : [-1, TIME],
      ...(masked && { lengths: [-1] }),
    },
    weights: builder.weights,
    nodes: builder.nodes,
    layers: builder.layers,
    roles: { inputs: masked ? ["x", "lengths"] : ["x"], output, labels: "y", loss: "loss" },
  });
}

/** Something to learn for a network with a loss: samples of several lengths, with labels for each, or for each step. */
export function sequenceLesson(
  model: Model,
  { samples, ...how }: Pick<Lesson, "samples" | "batch" | "optimizer" | "epochs">,
): Lesson {
  const lesson = lessonOf(model, { samples, ...how });
  const [x, labels] = lesson.arrays;
  const output = model.shapes.get(model.roles.output!)!;
  const arrays = [x, output.length === 3 ? stepLabels(model, samples) : labels];
  if (!model.nodes.has("lengths")) return { ...lesson, arrays };
  const lengths = Float32Array.from({ length: samples }, (_, sample) => (sample % TIME) + 1);
  return { ...lesson, arrays: [...arrays, { node: "lengths", shape: [], data: lengths }] };
}

/** A class for each step, as an index or as a row; or numbers, where the loss compares these. */
function stepLabels(model: Model, samples: number): SampleArray {
  const node = model.roles.labels!;
  const classes = model.shapes.get(model.roles.output!)!.at(-1)!;
  const steps = samples * TIME;
  const isRows = model.shapes.get(node)!.length === 3 || labelTarget(model).kind === "values";
  if (!isRows) {
    const indices = Int32Array.from({ length: steps }, (_, step) => (step * 7) % classes);
    return { node, shape: [TIME], data: indices };
  }
  const rows = Float32Array.from({ length: steps * classes }, (_, at) =>
    Number(at % classes === (Math.floor(at / classes) * 7) % classes),
  );
  return { node, shape: [TIME, classes], data: rows };
}
