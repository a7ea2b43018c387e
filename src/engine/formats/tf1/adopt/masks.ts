// Masks of padding, which TensorFlow has none of: all steps are there.
import type { Model, Node, Ref } from "../../../graph/model";

/** Which steps of a sequence are there: a placeholder [batch, time] of ones. */
export const isMask = ({ shapes }: Model, node: Node | undefined): boolean =>
  node?.op === "Placeholder" && node.attributes.value === 1 && shapes.get(node.name)?.length === 2;

/** Every step of every sample counts. What needs a mask to count steps gets one made of the sequence itself. */
export function withoutMasks(model: Model): Model {
  const nodes = new Map<string, Node>();
  const stands = new Map<string, string>();
  const maskOf = (ref: Ref | undefined): Node | undefined => {
    const node = ref !== undefined && "node" in ref ? model.nodes.get(ref.node) : undefined;
    return isMask(model, node) ? node : undefined;
  };
  /** Of a mask: the lengths of samples, or the mask turned round. */
  const isOfMask = (ref: Ref | undefined): boolean => {
    const node = ref !== undefined && "node" in ref ? model.nodes.get(ref.node) : undefined;
    return (
      maskOf(ref) !== undefined || (node !== undefined && maskOf(node.inputs[0]) !== undefined)
    );
  };
  const now = (ref: Ref): Ref => {
    if (!("node" in ref)) return ref;
    const mask = maskOf(ref);
    return { node: mask ? ones(model, mask, nodes) : (stands.get(ref.node) ?? ref.node) };
  };
  for (const node of model.nodes.values()) {
    if (isMask(model, node)) continue;
    const [x, second] = node.inputs;
    switch (node.op) {
      case "LSTM": {
        const kept = (_: unknown, at: number) => node.attributes.takes[at] !== "mask";
        const takes = node.attributes.takes.filter(kept);
        const inputs = [x, ...node.inputs.slice(1).filter(kept)].map(now);
        nodes.set(node.name, { ...node, inputs, attributes: { ...node.attributes, takes } });
        break;
      }
      case "LastStep":
      case "Reverse":
        if (maskOf(x) !== undefined) break;
        nodes.set(node.name, {
          ...node,
          inputs: [x, ...(isOfMask(second) ? [] : node.inputs.slice(1))].map(now),
        });
        break;
      case "Mul":
        if (maskOf(second) !== undefined && model.shapes.get(node.name)?.length === 2) {
          const each = now(x);
          if ("node" in each) stands.set(node.name, each.node);
          break;
        }
        nodes.set(node.name, { ...node, inputs: node.inputs.map(now) });
        break;
      default:
        nodes.set(node.name, { ...node, inputs: node.inputs.map(now) } as Node);
    }
  }
  return { ...model, nodes };
}

/** Adds a 1 for each step of the input that a mask is of; its name. */
function ones(model: Model, mask: Node, nodes: Map<string, Node>): string {
  const add = (suffix: string, node: Pick<Node, "op" | "attributes" | "inputs">): string => {
    const name = `${mask.name}/${suffix}`;
    nodes.set(name, { ...node, name, origin: [] } as Node);
    return name;
  };
  const number = (value: number): string =>
    add(`${value}`, {
      ...{ op: "Const", inputs: [] },
      attributes: { dtype: "float32", shape: [], values: [value] },
    });
  const input = [...model.nodes.values()].find(
    (node) => node !== mask && node.op === "Placeholder" && node.origin[0] === mask.origin[0],
  )!;
  const steps =
    model.shapes.get(input.name)!.length === 3
      ? add("steps", {
          op: "Sum",
          inputs: [{ node: input.name }],
          attributes: { axes: [2], keepDims: false },
        })
      : add("steps", { op: "Cast", inputs: [{ node: input.name }], attributes: { to: "float32" } });
  const nothing = add("nothing", {
    op: "Mul",
    inputs: [{ node: steps }, { node: number(0) }],
    attributes: {},
  });
  return add("ones", {
    op: "Add",
    inputs: [{ node: nothing }, { node: number(1) }],
    attributes: {},
  });
}
