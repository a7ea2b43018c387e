// Runs a graph, or a part of it, on the TensorFlow.js backend that is set.
import { GraftError } from "../../protocol/errors";
import { refName, type Model, type Node } from "../graph/model";
import type { Kernel, RunContext } from "./kernel";
import { KERNELS } from "./table";
import { tf, type Tensor } from "./tf";

/** The nodes to run, in order, to get `fetches` from `given`. */
export interface Path {
  readonly nodes: readonly Node[];
  readonly fetches: readonly string[];
  /** Of what the model's nodes give. */
  readonly shapes: Model["shapes"];
}

/** The nodes between `given` and `fetches`. Throws `unsupported-op` where the way leads through an opaque one. */
export function pathTo(
  model: Model,
  fetches: readonly string[],
  given: ReadonlySet<string> = new Set(),
): Path {
  const needed = new Set<string>();
  const open = fetches.filter((name) => !given.has(name));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    const node = model.nodes.get(name);
    if (node === undefined) throw new GraftError("unknown-node", `The graph has no op ${name}.`);
    if (node.op === "Opaque")
      throw new GraftError(
        "unsupported-op",
        `${name} is a ${node.attributes.type}, which Graft cannot run, and ${fetches.join(", ")} depends on it.`,
      );
    for (const input of node.inputs)
      if ("node" in input && !given.has(input.node)) open.push(input.node);
  }
  const nodes = [...model.nodes.values()].filter((node) => needed.has(node.name));
  return { nodes, fetches, shapes: model.shapes };
}

/**
 * Runs the nodes of a path and returns the fetched tensors in order. Intermediate tensors live until the
 * caller's `tidy` ends.
 */
export function run(
  path: Path,
  feeds: ReadonlyMap<string, Tensor>,
  variables: ReadonlyMap<string, Tensor>,
  context: RunContext,
): Tensor[] {
  const values = new Map(feeds);
  const variable = (name: string): Tensor => {
    const tensor = variables.get(name);
    if (tensor === undefined)
      throw new GraftError("unknown-variable", `The value of variable ${name} was not loaded.`);
    return tensor;
  };
  for (const node of path.nodes) {
    if (values.has(node.name)) continue;
    const inputs = node.inputs.map((input) =>
      "variable" in input ? variable(input.variable) : values.get(input.node)!,
    );
    const value = apply(node, inputs, context);
    values.set(node.name, node.op === "Placeholder" ? filled(value, node, path, feeds) : value);
  }
  return path.fetches.map((name) => values.get(name)!);
}

/** What nothing is fed to has one number everywhere: a mask, for each step of each sample. */
function filled(
  value: Tensor,
  { name }: Node,
  { shapes }: Path,
  feeds: ReadonlyMap<string, Tensor>,
): Tensor {
  const [fed] = feeds.values();
  const [, ...sample] = shapes.get(name) ?? [];
  if (fed === undefined || sample.length === 0 || sample.some((size) => size < 0)) return value;
  return tf.add(tf.zeros([fed.shape[0]!, ...sample]), value);
}

function apply(node: Node, inputs: readonly Tensor[], context: RunContext): Tensor {
  // The table pairs each op with the kernel for its attributes; the union loses that pairing.
  const kernel = KERNELS[node.op] as Kernel<typeof node.op>;
  try {
    return kernel(inputs, node.attributes as never, node as never, context);
  } catch (cause) {
    if (cause instanceof GraftError) throw cause;
    const shapes = inputs.map(
      (input, index) => `${refName(node.inputs[index])} ${input.shape.join(" × ")}`,
    );
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GraftError(
      "shape-mismatch",
      `${node.name} (${node.op}) cannot take ${shapes.join(" and ")}: ${reason}`,
      { cause },
    );
  }
}
