// Whether what was written is the network that was meant: both graphs, node by node. What a configuration cannot say
// shows here, whatever it is.
import type { Model, Node, Ref } from "../../../graph/model";
import { fromStart } from "../../../graph/shapes";

/** How the names of one model are told in terms common to both. */
export interface Naming {
  /** A variable, and the order of its axes in the common form, where it is another. */
  readonly variable: (name: string) => {
    readonly name: string;
    readonly permutation?: readonly number[];
  };
  /** An input of the network, the labels or a mask. */
  readonly placeholder: (name: string) => string;
}

/** Numbers for subgraphs: equal ones have the same number, whatever their nodes are called and in whichever model. */
export class Subgraphs {
  readonly #numbers = new Map<string, number>();

  /** A function from the nodes of `model` to numbers. */
  of(model: Model, naming: Naming): (node: string) => number {
    const known = new Map<string, number>();
    const numberOf = (ref: Ref): number =>
      "node" in ref
        ? known.get(ref.node)!
        : this.#number(`variable ${naming.variable(ref.variable).name}`);
    for (const node of model.nodes.values()) {
      const passed =
        passes(node) && "node" in node.inputs[0] ? known.get(node.inputs[0].node) : undefined;
      known.set(node.name, passed ?? this.#number(this.#describe(model, node, naming, numberOf)));
    }
    return (node) => known.get(node)!;
  }

  #number(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }

  #describe(
    model: Model,
    node: Node,
    { variable, placeholder }: Naming,
    numberOf: (ref: Ref) => number,
  ): string {
    if (node.op === "Placeholder") return `placeholder ${placeholder(node.name)}`;
    const [first] = node.inputs;
    if (node.op === "Transpose" && "variable" in first) {
      const { name, permutation } = variable(first.variable);
      const axes = node.attributes.permutation.map((axis) => permutation?.[axis] ?? axis);
      const isIdentity = axes.every((axis, place) => axis === place);
      return isIdentity ? `variable ${name}` : `transpose ${name} ${axes.join()}`;
    }
    return `${node.op} ${attributesOf(model, node)} ${node.inputs.map(numberOf).join()}`;
  }
}

const passes = (node: Node): boolean =>
  node.op === "Identity" ||
  (node.op === "Dropout" && "rate" in node.attributes && node.attributes.rate === 0);

/** Attributes without what follows from shapes, or makes no difference at these. */
function attributesOf(model: Model, node: Node): string {
  const [input] = node.inputs;
  const rank =
    input !== undefined && "node" in input ? (model.shapes.get(input.node)?.length ?? 0) : 0;
  switch (node.op) {
    case "BiasAdd":
      return rank === 4 ? node.attributes.dataFormat : "";
    case "BatchNorm": {
      const { unbiased: _, dataFormat, ...rest } = node.attributes;
      return JSON.stringify([rest, rank === 4 ? dataFormat : ""]);
    }
    case "Reshape":
      return JSON.stringify(model.shapes.get(node.name));
    case "Concat":
      return String(fromStart(node.attributes.axis, rank));
    case "Mean":
    case "Sum":
    case "Max":
    case "Min": {
      const axes = node.attributes.axes
        .map((axis) => fromStart(axis, rank))
        .toSorted((a, b) => a - b);
      return JSON.stringify([axes, node.attributes.keepDims]);
    }
    case "Dropout":
      return "rate" in node.attributes ? node.attributes.rate.toFixed(6) : "fed";
    default:
      return JSON.stringify(
        Object.entries(node.attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
  }
}
