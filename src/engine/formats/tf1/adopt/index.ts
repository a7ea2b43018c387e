// A network of another format in the form that TensorFlow 1 has: the same function, written in its ops and names.
import type { Model } from "../../../graph/model";
import { ancestors } from "../../../graph/order";
import { reinfer } from "../../../graph/reinfer";
import { channelsLast } from "./channels";
import { scopedNames } from "./names";
import { joinedKernels } from "./recurrent";
import { withoutTransposes } from "./transposes";

/**
 * `model` without what only its own file needs: origins, aliases and the state of its optimizer. Throws `unsupported-op`
 * where TensorFlow has no such op.
 */
export function adopted(model: Model): Model {
  const variables = new Map([...model.variables].filter(([, { role }]) => role !== "slot"));
  const own = { ...model, variables, aliases: new Map() };
  return reinfer(needed(scopedNames(joinedKernels(channelsLast(withoutTransposes(own))))));
}

/** What output and loss need, as nodes that no op of a file stands for. */
function needed(model: Model): Model {
  const { output, loss } = model.roles;
  const names = ancestors(
    model,
    [output, loss].filter((name) => name !== undefined),
  );
  const nodes = [...model.nodes.values()].filter(({ name }) => names.has(name));
  const layers = model.layers.map((layer) => ({
    ...layer,
    nodes: layer.nodes.filter((name) => names.has(name)),
  }));
  return {
    ...model,
    layers,
    nodes: new Map(nodes.map((node) => [node.name, { ...node, origin: [] }])),
  };
}
