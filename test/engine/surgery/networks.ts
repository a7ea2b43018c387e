// Random networks for property tests: dense and convolution layers, batch norm, residual sums, joins, pools, shared biases.
import fc from "fast-check";
import type { OpAttributes, OpName } from "../../../src/engine/graph/catalogue";
import type { Layer, Model, Node, Ref, Shape } from "../../../src/engine/graph/model";
import { handmade, node, PRODUCT } from "../handmade";

const STEPS = [
  "dense",
  "conv",
  "convBatchNorm",
  "depthwise",
  "residual",
  "join",
  "joinWithItself",
  "relu",
  "tanh",
  "pool",
  "dropout",
  "doubleBias",
  "scale",
  "flatten",
  "average",
] as const;
export type Step = { readonly kind: (typeof STEPS)[number]; readonly units: number };

export interface Design {
  readonly image: boolean;
  readonly channelsFirst: boolean;
  readonly steps: readonly Step[];
}

/** What a network is built from; shrinks to fewer and simpler steps. */
export const designs: fc.Arbitrary<Design> = fc.record({
  image: fc.boolean(),
  channelsFirst: fc.boolean(),
  steps: fc.array(
    fc.record({ kind: fc.constantFrom(...STEPS), units: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 7 },
  ),
});

/** Sizes of an image; of vectors only the channels count. */
const SIDE = 5;
const CHANNELS = 3;
export const CLASSES = 3;

class Builder {
  readonly nodes: Node[] = [];
  readonly weights: Record<string, Shape> = {};
  readonly layers: Layer[] = [];
  at = "x";
  #count = 0;

  constructor(
    readonly format: "NHWC" | "NCHW",
    /** Without the batch: [units], or height, width and channels. */
    public shape: number[],
  ) {}

  get units(): number {
    return this.shape.at(-1)!;
  }

  get isImage(): boolean {
    return this.shape.length === 3;
  }

  /** The channels of rows are last. */
  get dataFormat(): "NHWC" | "NCHW" {
    return this.isImage ? this.format : "NHWC";
  }

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

  weight(name: string, shape: Shape): string {
    this.weights[name] = shape;
    return `[${name}]`;
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

  product(units: number): void {
    const first = this.nodes.length;
    if (this.isImage) {
      const name = this.next("conv");
      const kernel = this.weight(`${name}/w`, [3, 3, this.units, units]);
      this.add(`${name}/Conv2D`, "Conv2D", [this.at, kernel], this.window());
      this.bias(name, units);
      this.shape = [...this.shape.slice(0, 2), units];
      this.layer(name, "conv2d", first);
    } else {
      const name = this.next("dense");
      this.add(
        `${name}/MatMul`,
        "MatMul",
        [this.at, this.weight(`${name}/w`, [this.units, units])],
        PRODUCT,
      );
      this.bias(name, units);
      this.shape = [units];
      this.layer(name, "dense", first);
    }
  }

  bias(name: string, units: number): void {
    this.add(`${name}/BiasAdd`, "BiasAdd", [this.at, this.weight(`${name}/b`, [units])], {
      dataFormat: this.dataFormat,
    });
  }

  window(): OpAttributes["Conv2D"] {
    return { strides: [1, 1], padding: "SAME", dataFormat: this.format, dilations: [1, 1] };
  }

  get channelAxis(): number {
    return this.isImage && this.format === "NCHW" ? 1 : this.isImage ? 3 : 1;
  }

  step({ kind, units }: Step): void {
    switch (kind) {
      case "dense":
      case "conv":
        return this.product(units);
      case "convBatchNorm": {
        this.product(units);
        const first = this.nodes.length;
        const name = this.next("norm");
        const own = ["gamma", "beta", "mean", "variance"].map((each) =>
          this.weight(`${name}/${each}`, [units]),
        );
        const attributes = { epsilon: 0.001, momentum: 0.9, unbiased: false };
        this.add(name, "BatchNorm", [this.at, ...own], {
          ...attributes,
          dataFormat: this.dataFormat,
        });
        return this.layer(name, "batchNorm", first);
      }
      case "depthwise": {
        if (!this.isImage) return;
        const first = this.nodes.length;
        const name = this.next("depthwise");
        const kernel = this.weight(`${name}/w`, [3, 3, this.units, 2]);
        this.add(name, "DepthwiseConv2D", [this.at, kernel], this.window());
        this.shape = [...this.shape.slice(0, 2), this.units * 2];
        return this.layer(name, "depthwiseConv2d", first);
      }
      case "residual": {
        const before = this.at;
        this.product(this.units);
        this.add(this.next("sum"), "Add", [before, this.at], {});
        return;
      }
      case "join": {
        const [before, had] = [this.at, this.units];
        this.product(units);
        this.add(this.next("join"), "Concat", [before, this.at], { axis: this.channelAxis });
        this.shape = [...this.shape.slice(0, -1), had + units];
        return;
      }
      case "joinWithItself":
        this.add(this.next("join"), "Concat", [this.at, this.at], { axis: this.channelAxis });
        this.shape = [...this.shape.slice(0, -1), 2 * this.units];
        return;
      case "relu":
        return void this.add(this.next("relu"), "Relu", [this.at], {});
      case "tanh":
        return void this.add(this.next("tanh"), "Tanh", [this.at], {});
      case "pool": {
        if (!this.isImage || this.shape[0] < 2) return;
        const pooling = { window: [2, 2], strides: [2, 2], padding: "SAME" } as const;
        this.add(this.next("pool"), "MaxPool", [this.at], { ...pooling, dataFormat: this.format });
        const half = Math.ceil(this.shape[0] / 2);
        this.shape = [half, half, this.units];
        return;
      }
      case "dropout":
        return void this.add(this.next("dropout"), "Dropout", [this.at], { rate: 0.5 });
      case "doubleBias": {
        const name = this.next("double");
        const [had, first] = [this.units, this.nodes.length];
        this.bias(name, had);
        const attributes = { dataFormat: this.dataFormat };
        this.add(`${name}/again`, "BiasAdd", [this.at, `[${name}/b]`], attributes);
        return this.layer(name, "bias", first);
      }
      case "scale": {
        if (this.channelAxis === 1 && this.isImage) return;
        const name = this.next("scale");
        const first = this.nodes.length;
        this.add(name, "Mul", [this.at, this.weight(`${name}/s`, [this.units])], {});
        return this.layer(name, "scale", first);
      }
      case "flatten": {
        if (!this.isImage) return;
        const size = this.shape.reduce((product, each) => product * each, 1);
        this.add(this.next("flatten"), "Reshape", [this.at], { shape: [-1, size] });
        this.shape = [size];
        return;
      }
      case "average":
        return this.average();
    }
  }

  average(): void {
    if (!this.isImage) return;
    const axes = this.format === "NCHW" ? [2, 3] : [1, 2];
    this.add(this.next("average"), "Mean", [this.at], { axes, keepDims: false });
    this.shape = [this.units];
  }
}

/** The network of a design, ending in `CLASSES` logits and their cross-entropy. */
export function built({ image, channelsFirst, steps }: Design): Model {
  const builder = new Builder(
    channelsFirst ? "NCHW" : "NHWC",
    image ? [SIDE, SIDE, CHANNELS] : [CHANNELS],
  );
  for (const step of steps) builder.step(step);
  builder.average();
  builder.product(CLASSES);
  const output = builder.at;
  builder.add("each", "SparseSoftmaxCrossEntropy", [output, "y"], {});
  builder.add("loss", "Mean", ["each"], { axes: [0], keepDims: false });
  const fed = !image ? [CHANNELS] : channelsFirst ? [CHANNELS, SIDE, SIDE] : [SIDE, SIDE, CHANNELS];
  const model = handmade({
    fed: { x: [-1, ...fed], y: [-1] },
    weights: builder.weights,
    nodes: builder.nodes,
    layers: builder.layers,
    roles: { output, labels: "y", loss: "loss" },
  });
  const variables = new Map(model.variables);
  for (const [name, variable] of variables)
    if (/\/(mean|variance)$/.test(name))
      variables.set(name, { ...variable, role: "statistic", trainable: [] });
  return { ...model, variables };
}
