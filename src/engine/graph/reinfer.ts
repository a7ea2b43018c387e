// Shapes after an edit.
import { GraftError } from "../../protocol/errors";
import type { Model, Shape } from "./model";
import { ancestors } from "./order";
import { inferShape } from "./shapes";

/**
 * `model` with the shape of every node inferred again. Throws `shape-mismatch` where what the loss and the output
 * need does not fit; other nodes (a metric, say) that no longer fit lose their shape.
 */
export function reinfer(model: Model): Model {
  const { loss, output } = model.roles;
  const needed = ancestors(
    model,
    [loss, output].filter((name) => name !== undefined),
  );
  const shapes = new Map<string, Shape>();
  for (const node of model.nodes.values()) {
    if (node.op === "Placeholder" || node.op === "Opaque") {
      const shape = model.shapes.get(node.name);
      if (shape !== undefined) shapes.set(node.name, shape);
      continue;
    }
    const inputs = node.inputs.map((input) =>
      "node" in input ? shapes.get(input.node) : model.variables.get(input.variable)?.shape,
    );
    if (!inputs.every((shape) => shape !== undefined)) continue;
    try {
      shapes.set(node.name, inferShape(node, inputs));
    } catch (error) {
      if (!(error instanceof GraftError) || needed.has(node.name)) throw error;
    }
  }
  return { ...model, shapes };
}
