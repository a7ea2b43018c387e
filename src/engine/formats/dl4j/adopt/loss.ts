// The loss as Deeplearning4j has it behind an output layer.
import type { Model } from "../../../graph/model";
import { Lifting } from "../layers/lifting";
import { compared, labelShape, reduced } from "../layers/losses";
import { lossKind, type LossKind, SQUARED_ERROR } from "../patch/loss";

const LABELS = "labels";

/** `model` with the loss of `source`, where that has one. `notes` gets what differs. */
export function withLoss(model: Model, source: Model, notes: string[]): Model {
  const output = model.roles.output!;
  const isSequence = model.shapes.get(output)!.length === 3;
  const isDense = model.layers.some((layer) => layer.output === output && layer.kind === "MatMul");
  const hasNone = source.roles.loss === undefined;
  const kind = hasNone && isSequence && isDense ? SQUARED_ERROR : lossKind(source);
  if (kind === undefined) {
    notes.push(
      hasNone
        ? "The network has no loss, so it gets no output layer: Deeplearning4j runs it, and trains it behind one only."
        : `The loss ${source.roles.loss} is left out: it is no function that Deeplearning4j has for outputs. Without an output layer it runs the network and does not train it.`,
    );
    return model;
  }
  const lifting = new Lifting(model.variables);
  for (const [name, node] of model.nodes) {
    lifting.nodes.set(name, node);
    lifting.shapes.set(name, model.shapes.get(name)!);
  }
  const place = { lifting, vertex: "loss", origin: "/loss" };
  const loss = { type: kind.type, fields: new Map(), path: [] };
  const shape = model.shapes.get(output)!;
  const placeholder = (name: string, size: readonly number[], value?: number) =>
    lifting.placeholder(name, size, { dtype: "float32", ...(value !== undefined && { value }) }, [
      place.origin,
    ]);
  const labels = placeholder(LABELS, labelShape(shape, loss));
  const activation = `Activation${kind.activation ?? "Identity"}`;
  const { each } = compared(place, loss, { logits: output, output, labels, activation });
  const masks = isSequence ? [placeholder("labelsMask", shape.slice(0, 2), 1)] : [];
  const total = reduced(place, each, masks, true);
  if (hasNone)
    notes.push(
      "The network has no loss. Its output layer gets the squared error, because in Deeplearning4j a dense layer without one gives out rows.",
    );
  else if (!isSameLoss(source, kind))
    notes.push(
      `Deeplearning4j's loss is a mean over samples${isSequence ? ", and adds up the steps of each" : ""}, without the source's own weights and regularization. Its gradients may be larger or smaller than the source's${isSequence ? ", than a mean over steps by the number of steps" : ""}: choose the learning rate anew.`,
    );
  notes.push(
    `Labels are numbers for each output in Deeplearning4j${kind.type === "LossMCXENT" ? ": one-hot" : ""}.`,
  );
  return {
    ...model,
    nodes: lifting.nodes,
    shapes: lifting.shapes,
    roles: { ...model.roles, labels, loss: total },
  };
}

/** Whether the loss of `source` is the one that Deeplearning4j has, labels aside. */
function isSameLoss({ nodes, shapes, roles }: Model, { ops, type }: LossKind): boolean {
  const loss = nodes.get(roles.loss!)!;
  const [x] = loss.inputs;
  const each = x !== undefined && "node" in x ? nodes.get(x.node)! : undefined;
  if (loss.op !== "Mean" || each === undefined || !ops.includes(each.op)) return false;
  const reads = each.inputs.some((ref) => "node" in ref && ref.node === roles.output);
  const shape = shapes.get(roles.output!) ?? [];
  const isSummed = type === "LossBinaryXENT" && shape[1] !== 1;
  return reads && shapes.get(loss.name)?.length === 0 && shape.length === 2 && !isSummed;
}
