// A layer for each step: TensorFlow makes rows of all steps of all samples of a sequence and a sequence of the rows again;
// here the layer takes the sequence.
import type { OpName } from "../../../graph/catalogue";
import type { Model, Ref } from "../../../graph/model";
import { notSaid } from "../patch/groups";
import { isActivation } from "../patch/fields";
import { rewritten } from "./rewrite";

const STEPWISE: ReadonlySet<OpName> = new Set(["MatMul", "BiasAdd", "Dropout"]);

export function perStep(model: Model): Model {
  /** Nodes of the source that are rows of all steps. */
  const steps = new Set<string>();
  const shapeOf = (ref: Ref): readonly number[] =>
    ("node" in ref ? model.shapes.get(ref.node) : undefined) ?? [];
  const isSteps = (ref: Ref): boolean => "node" in ref && steps.has(ref.node);
  return rewritten(model, (node, was) => {
    const [x] = was.inputs;
    if (x === undefined) return undefined;
    const [from, to] = [shapeOf(x), model.shapes.get(was.name) ?? []];
    const keepsFeatures = to.at(-1)! > 0 && from.at(-1) === to.at(-1);
    const [now] = node.inputs;
    if (node.op === "Reshape" && keepsFeatures && "node" in now) {
      if (isSteps(x) && to.length === 3) return now.node;
      if (isSteps(x) || (from.length === 3 && to.length === 2)) {
        steps.add(was.name);
        return now.node;
      }
    }
    if (!was.inputs.some(isSteps)) return undefined;
    if (!STEPWISE.has(node.op) && !isActivation(node))
      throw notSaid(was.name, `it is a ${was.op} over the steps of all samples`);
    steps.add(was.name);
    return undefined;
  });
}
