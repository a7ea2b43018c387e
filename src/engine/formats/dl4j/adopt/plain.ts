// What Deeplearning4j says in other words than TensorFlow: dropout by a number, the last step, sequences by sample first.
import type { Model, Node } from "../../../graph/model";
import { rewritten, type Rule } from "./rewrite";

const TURNED = [1, 0, 2];

/** Recurrent ops over [batch, time, features], with a transpose before and behind those over [time, batch, features]. */
export const batchMajor = (model: Model): Model =>
  rewritten(model, (node) => {
    switch (node.op) {
      case "LSTM":
      case "GRU": {
        if (!node.attributes.timeMajor) return undefined;
        const [x, ...rest] = node.inputs;
        const attributes = { ...node.attributes, timeMajor: false };
        const own = `${node.name}/batch_major`;
        return [
          turn(`${own}_x`, x),
          { ...node, name: own, attributes, inputs: [{ node: `${own}_x` }, ...rest] } as Node,
          turn(node.name, { node: own }),
        ];
      }
      case "LastStep": {
        if (!node.attributes.timeMajor) return undefined;
        const [x, ...rest] = node.inputs;
        const own = `${node.name}/batch_major`;
        const attributes = { timeMajor: false };
        return [turn(own, x), { ...node, attributes, inputs: [{ node: own }, ...rest] }];
      }
      default:
        return undefined;
    }
  });

const turn = (name: string, x: Node["inputs"][number]): Node => ({
  ...{ name, op: "Transpose", inputs: [x], origin: [] },
  attributes: { permutation: TURNED },
});

/**
 * Without what does nothing in inference, and with the last step as one op. `source` has the placeholders that rates come
 * from, `notes` gets what a user must know.
 */
export function plain(model: Model, source: Model, notes: string[]): Model {
  const made = new Map<string, Node>();
  const from = (node: Node): Node | undefined => {
    const [x] = node.inputs;
    return x !== undefined && "node" in x ? made.get(x.node) : undefined;
  };
  const rule: Rule = (node) => {
    const [x] = node.inputs;
    const before = from(node);
    switch (node.op) {
      case "Identity":
        return "node" in x ? x.node : undefined;
      case "Dropout": {
        if ("rate" in node.attributes || !("node" in x)) return undefined;
        const rate = givenRate(source, node.attributes);
        if (rate !== undefined && rate > 0) return [{ ...node, attributes: { rate } }];
        notes.push(
          `The dropout ${node.name} is left out: its rate is fed, and Deeplearning4j has it in the layer.`,
        );
        return x.node;
      }
      case "Transpose": {
        if (before?.op !== "Transpose") return undefined;
        const [inner] = before.inputs;
        const { permutation } = before.attributes;
        const isUndone = node.attributes.permutation.every((axis, at) => permutation[axis] === at);
        return isUndone && "node" in inner ? inner.node : undefined;
      }
      case "Slice": {
        const size = model.shapes.get(node.name) && sizeOf(model, x);
        return size === undefined ? undefined : [{ ...node, attributes: bounded(node, size) }];
      }
      case "Squeeze": {
        if (before?.op !== "Slice" || node.attributes.axes.join() !== "1") return undefined;
        if (!isLastOfSteps(model, before)) return undefined;
        const [sequence] = before.inputs;
        return [
          { ...node, op: "LastStep", inputs: [sequence], attributes: { timeMajor: false } } as Node,
        ];
      }
      default:
        return undefined;
    }
  };
  return rewritten(model, (node, was) => {
    const result = rule(node, was);
    if (typeof result !== "string") for (const each of result ?? [node]) made.set(each.name, each);
    return result;
  });
}

/** How many features there are. */
function sizeOf({ shapes, variables }: Model, ref: Node["inputs"][number]): number | undefined {
  return ("node" in ref ? shapes.get(ref.node) : variables.get(ref.variable)?.shape)?.at(-1);
}

/** A slice of features with both of its ends as numbers, as a SubsetVertex has them. */
function bounded({ attributes }: Node<"Slice">, size: number): Node<"Slice">["attributes"] {
  const { begin, end, strides } = attributes;
  if ((begin.at(-1) ?? null) === null && (end.at(-1) ?? null) === null) return attributes;
  return {
    begin: begin.with(-1, begin.at(-1) ?? 0),
    end: end.with(-1, end.at(-1) ?? size),
    strides,
  };
}

/** The rate that a placeholder has where nothing is fed. */
function givenRate(
  { nodes }: Model,
  attributes: { readonly rateFrom: string } | { readonly keepProbabilityFrom: string },
): number | undefined {
  const isRate = "rateFrom" in attributes;
  const placeholder = nodes.get(isRate ? attributes.rateFrom : attributes.keepProbabilityFrom);
  const value = placeholder?.op === "Placeholder" ? placeholder.attributes.value : undefined;
  return value === undefined || isRate ? value : Number((1 - value).toPrecision(12));
}

function isLastOfSteps({ shapes }: Model, { name, attributes }: Node<"Slice">): boolean {
  const { begin, end, strides } = attributes;
  return (
    shapes.get(name)?.length === 3 &&
    begin.map((each) => each ?? 0).join() === "0,-1,0" &&
    end.every((each) => each === null) &&
    strides.every((each) => each === 1)
  );
}
