// Random networks beside the first layer of an imported one: nothing of them has an op in the source's graph.
import type { Initializer, Model, Node } from "../../../src/engine/graph/model";
import { ancestors, usedVariables } from "../../../src/engine/graph/order";
import { changed } from "../../../src/engine/surgery/rewire";
import { built, type Design } from "../surgery/networks";
import { movedTo, variable } from "./edits";

/** The network of a design, below "net/", all of it to be written anew; of `source`, hidden1 alone stays, if it has one. */
export function fromNothing(design: Design, source: Model): Model {
  const model = movedTo(built(design), "net");
  const variables = [...model.variables.values()].map(({ name, shape, role }) =>
    variable(name, shape, initializer(name), role),
  );
  const labels = model.nodes.get(model.roles.labels!) as Node<"Placeholder">;
  const fed: Node = { ...labels, attributes: { dtype: "int64" } };
  const kept = source.nodes.has("hidden1/Relu") ? ancestors(source, ["hidden1/Relu"]) : [];
  const stays = [...kept].map((name) => source.nodes.get(name)!);
  const weights = usedVariables(source, new Set(stays.map(({ name }) => name)));
  const after = changed(model, {
    nodes: [...stays, fed, ...fusedNorms(model)],
    variables: [...weights, ...variables],
  });
  const layers = [...source.layers.filter(({ name }) => name === "hidden1"), ...model.layers];
  const shapes = stays.map(({ name }) => [name, source.shapes.get(name)!] as const);
  return { ...after, layers, shapes: new Map([...shapes, ...model.shapes]) };
}

/** TensorFlow normalizes images with their channels first by its fused op only. */
const fusedNorms = (model: Model): Node[] =>
  [...model.nodes.values()].flatMap((node): Node[] =>
    node.op === "BatchNorm" && node.attributes.dataFormat === "NCHW"
      ? [{ ...node, attributes: { ...node.attributes, unbiased: true } }]
      : [],
  );

/** Variances are positive, and what is added to differs from zero, so that it shows whether it is read. */
function initializer(name: string): Initializer {
  if (name.endsWith("/variance")) return "ones";
  return name.endsWith("/w") ? "glorotUniform" : "heNormal";
}
