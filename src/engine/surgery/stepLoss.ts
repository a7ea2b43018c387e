// Losses of sequences: a number for each step, and what becomes of them.
import { sameShape, type Model, type Node } from "../graph/model";
import { ancestors, descendants } from "../graph/order";
import { newNode } from "./blocks";
import { freeName } from "./rewire";
import { sequenceStyle } from "./sequences";

/** The mean over the units of each step. */
export const meanOfStep = (model: Model, each: string): Node =>
  newNode(freeName(model, "graft/step_loss"), "Mean", [{ node: each }], {
    axes: [2],
    keepDims: false,
  });

/** The node of the loss that has a number for each step of the sequences `was`, before masks and sums. */
export function stepsOf(model: Model, was: string): string | undefined {
  const { loss } = model.roles;
  const shape = model.shapes.get(was);
  if (loss === undefined || shape?.length !== 3) return undefined;
  const [within, behind] = [ancestors(model, [loss]), descendants(model, [was])];
  const isPerStep = ({ name, op }: Node): boolean =>
    within.has(name) &&
    behind.has(name) &&
    op !== "Reshape" &&
    sameShape(model.shapes.get(name) ?? [], shape.slice(0, 2));
  return [...model.nodes.values()].find(isPerStep)?.name;
}

/**
 * The nodes that make one number, `scalar`, of a number for each step, [batch, time]: the mean over all of them; where the layers have a
 * mask, the sum over the steps that are there, as the mean over samples, as DL4J does.
 */
export function overSteps(
  model: Model,
  { steps, sequence, scalar }: Readonly<Record<"steps" | "sequence" | "scalar", string>>,
): Node[] {
  const { mask } = sequenceStyle(model, sequence);
  const mean = (of: string, axes: readonly number[]) =>
    newNode(scalar, "Mean", [{ node: of }], { axes, keepDims: false });
  if (mask === undefined) return [mean(steps, [0, 1])];
  const counted = newNode(freeName(model, "graft/counted"), "Mul", [{ node: steps }, mask], {});
  const sum = newNode(freeName(model, "graft/sum"), "Sum", [{ node: counted.name }], {
    axes: [1],
    keepDims: false,
  });
  return [counted, sum, mean(sum.name, [0])];
}
