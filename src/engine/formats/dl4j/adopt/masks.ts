// Which steps of a sequence are there: Deeplearning4j has a mask for every input that is a sequence, and what turns a
// sequence round or takes its last step keeps to that.
import type { Model, Node, Ref } from "../../../graph/model";
import { inputName } from "./names";
import { rewritten } from "./rewrite";

/** `model` with a mask of ones for each sequence that is fed, in every op that takes one; in place of lengths. */
export function masked(model: Model, notes: string[]): Model {
  /** The mask of the sequence that a node yields. */
  const masks = new Map<string, string>();
  /** Masks of sequences that have lengths in the source. */
  const withLengths = new Set<string>();
  const ofRef = (ref: Ref): string | undefined => ("node" in ref ? masks.get(ref.node) : undefined);
  const shapes = new Map(model.shapes);
  return rewritten({ ...model, shapes }, (node, was) => {
    const shape = model.shapes.get(was.name);
    const isSequence = shape?.length === 3;
    const known = was.inputs.map(ofRef).find((mask) => mask !== undefined);
    if (isSequence && known !== undefined) masks.set(was.name, known);
    const [x] = node.inputs;
    const mask = was.inputs[0] && ofRef(was.inputs[0]);
    const given = mask === undefined ? [] : [{ node: mask }];
    switch (node.op) {
      case "Placeholder": {
        const isIndices = node.attributes.dtype !== "float32" && shape?.length === 2;
        if (!isSequence && !isIndices) return undefined;
        const name = `${inputName(node.name)}/mask`;
        masks.set(node.name, name);
        shapes.set(name, shape.slice(0, 2));
        const attributes = { dtype: "float32", value: 1 } as const;
        return [{ ...node, name, attributes, origin: [node.name] }, node];
      }
      case "SequenceMask": {
        const steps = ofRef(was.inputs[1]);
        if (steps === undefined) return undefined;
        withLengths.add(steps);
        notes.push(
          `Deeplearning4j takes a mask [samples, steps] of ones and zeros with the samples, where ${lengthsOf(was)} was fed.`,
        );
        return steps;
      }
      case "LSTM": {
        // What it makes of padding is masked behind it.
        const isKept = (_: unknown, at: number): boolean => node.attributes.takes[at] !== "mask";
        const takes = node.attributes.takes.filter(isKept);
        const own = node.inputs.slice(1).filter(isKept);
        const attributes = { ...node.attributes, takes, masked: "reset" as const };
        return [{ ...node, inputs: [x, ...own], attributes }];
      }
      case "LastStep":
        if (mask !== undefined && withLengths.has(mask) && was.inputs.length === 1)
          notes.push(
            `Of samples with padding, Deeplearning4j takes the last step before it as ${node.name}, and the source the last of all.`,
          );
        return [{ ...node, inputs: [x, ...given] }];
      case "Reverse": {
        if (mask === undefined) return undefined;
        const lengths = `${node.name}/lengths`;
        const attributes = { axes: [1], keepDims: false };
        const sum: Node = { name: lengths, op: "Sum", inputs: given, attributes, origin: [] };
        return [sum, { ...node, inputs: [x, { node: lengths }] }];
      }
      default:
        return undefined;
    }
  });
}

const lengthsOf = ({ inputs: [lengths] }: Node): string =>
  "node" in lengths ? lengths.node : lengths.variable;
