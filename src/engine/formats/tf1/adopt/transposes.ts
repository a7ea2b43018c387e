// Kernels that are stored in another order than their op takes them in: stored as TensorFlow has them.
import type { Model, Ref, Shape, Variable } from "../../../graph/model";
import { isPenalty } from "./penalties";

/** Every variable that is transposed wherever it is read, in that order; the transposes go. */
export function withoutTransposes(model: Model): Model {
  const orders = ordersOf(model);
  const ordered = (name: string, shape: Shape): Shape =>
    (orders.get(name) ?? shape.map((_, axis) => axis)).map((axis) => shape[axis]);
  const variables = new Map(
    [...model.variables].map(([name, variable]): [string, Variable] => {
      const permutation = orders.get(name);
      if (permutation === undefined) return [name, variable];
      const trainable = variable.trainable.map(({ start, size }) => ({
        start: ordered(name, start),
        size: ordered(name, size),
      }));
      const { shape, value: part } = variable;
      const value = { from: "transpose", permutation, part, shape } as const;
      return [name, { ...variable, shape: ordered(name, shape), value, trainable }];
    }),
  );
  const gone = new Map<string, Ref>();
  for (const { name, op, inputs } of model.nodes.values()) {
    const [x] = inputs;
    if (op === "Transpose" && "variable" in x && orders.has(x.variable)) gone.set(name, x);
  }
  const nodes = [...model.nodes.values()].flatMap((node) => {
    if (gone.has(node.name)) return [];
    const inputs = node.inputs.map((ref) => ("node" in ref ? (gone.get(ref.node) ?? ref) : ref));
    return [{ ...node, inputs }];
  });
  return { ...model, variables, nodes: new Map(nodes.map((node) => [node.name, node])) };
}

/** The order in which each variable is read, where that is one and not its own; penalties know no order. */
function ordersOf(model: Model): ReadonlyMap<string, readonly number[]> {
  const orders = new Map<string, readonly number[]>();
  const others = new Set<string>();
  for (const node of model.nodes.values())
    for (const ref of node.inputs) {
      if (!("variable" in ref) || isPenalty(node)) continue;
      const { op, attributes } = node;
      const order = op === "Transpose" ? attributes.permutation : undefined;
      const known = orders.get(ref.variable);
      if (order === undefined || (known !== undefined && known.join() !== order.join()))
        others.add(ref.variable);
      else orders.set(ref.variable, order);
    }
  return new Map([...orders].filter(([name]) => !others.has(name)));
}
