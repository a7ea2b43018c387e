// Groups the variables of a network into layers, by the op that owns them and by name scope.
import type { OpName } from "../../graph/catalogue";
import type { Layer, Node, Ref, Variable } from "../../graph/model";
import { consumers } from "../../graph/order";
import { portOf } from "../../graph/recurrent";
import { commonScope, scopeOf } from "./scopes";

/** The kinds of layers, by the op that makes one. */
const KINDS: Partial<Readonly<Record<OpName, string>>> = {
  MatMul: "dense",
  Conv2D: "conv2d",
  DepthwiseConv2D: "depthwiseConv2d",
  Conv2DTranspose: "conv2dTranspose",
  BatchNorm: "batchNorm",
  Gather: "embedding",
  LSTM: "LSTM",
  GRU: "GRU",
};

/** The input of such an op that is its main variable. */
function mainInput(node: Node): Ref | undefined {
  switch (node.op) {
    case "Gather":
      return node.inputs[0];
    // It may lack its scale.
    case "BatchNorm":
      return node.inputs.find((each) => "variable" in each);
    case "LSTM": {
      const { takes } = node.attributes;
      return node.inputs[
        portOf<"LSTM">(takes, "joinedKernel") ?? portOf<"LSTM">(takes, "kernel") ?? -1
      ];
    }
    case "GRU":
      return node.inputs[portOf<"GRU">(node.attributes.takes, "gateKernel") ?? -1];
    default:
      return node.inputs[1];
  }
}

/** Ops by which a bias or scale joins the layer whose output it is added to. */
const JOINS: ReadonlySet<OpName> = new Set<OpName>(["BiasAdd", "Add", "Sub", "Mul"]);

const ACTIVATIONS: ReadonlySet<OpName> = new Set<OpName>([
  ...([
    "Relu",
    "Relu6",
    "Elu",
    "Selu",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softmax",
  ] as const),
]);

interface Draft {
  readonly kernel: string;
  readonly scope: string;
  readonly kind: string;
  readonly variables: string[];
  readonly nodes: string[];
  output: string;
}

export interface LayerSources {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly variables: ReadonlyMap<string, Variable>;
}

/** That of the kernel; of a cell with several kernels, which may have scopes of their own, the one around them. */
function ownScope(node: Node, kernel: string): string {
  if (node.op !== "LSTM" && node.op !== "GRU") return scopeOf(kernel);
  const takes: readonly string[] = node.attributes.takes;
  const weights = node.inputs.flatMap((input, port) =>
    "variable" in input && !takes[port - 1].startsWith("initial") ? [input.variable] : [],
  );
  return commonScope(weights);
}

const isOwned = (variable: Variable | undefined): boolean =>
  variable?.role === "weight" || variable?.role === "statistic";

/** The layers of a graph, in its order. */
export function groupLayers(sources: LayerSources): Layer[] {
  const drafts = draftLayers(sources);
  const perScope = new Map<string, number>();
  for (const { scope } of drafts) perScope.set(scope, (perScope.get(scope) ?? 0) + 1);
  const layers: Layer[] = drafts.map(({ kernel, scope, kind, variables, nodes, output }) => {
    const name = scope !== "" && perScope.get(scope) === 1 ? scope : kernel;
    return { name, kind, variables, nodes, output };
  });
  return withRest(sources, layers);
}

function draftLayers({ nodes }: LayerSources): Draft[] {
  const uses = consumers({ nodes });
  const drafts = new Map<string, Draft>();
  const taken = new Set<string>();
  for (const node of nodes.values()) {
    const kind = KINDS[node.op];
    const input = kind === undefined ? undefined : mainInput(node);
    if (kind === undefined || input === undefined || !("variable" in input) || taken.has(node.name))
      continue;
    const kernel = input.variable;
    const draft = drafts.get(kernel) ?? {
      kernel,
      scope: ownScope(node, kernel),
      kind,
      variables: [],
      nodes: [],
      output: node.name,
    };
    drafts.set(kernel, draft);
    for (const member of chain(nodes, uses, node, draft.scope)) {
      taken.add(member.name);
      draft.nodes.push(member.name);
      draft.output = member.name;
      for (const each of member.inputs)
        if ("variable" in each && !draft.variables.includes(each.variable))
          draft.variables.push(each.variable);
    }
  }
  return [...drafts.values()];
}

/** The op with its biases, a batch norm of the same scope and its activation, as long as each is the only reader. */
function chain(
  nodes: ReadonlyMap<string, Node>,
  uses: ReadonlyMap<string, readonly string[]>,
  owner: Node,
  scope: string,
): Node[] {
  const members = [owner];
  for (;;) {
    const readers = uses.get(members.at(-1)!.name)!;
    const next = readers.length === 1 ? nodes.get(readers[0])! : undefined;
    if (next === undefined) return members;
    const own = next.inputs.flatMap((input) => ("variable" in input ? [input.variable] : []));
    const isJoin = JOINS.has(next.op) && own.length === next.inputs.length - 1;
    // Statistics may be averages that live elsewhere; the scale and the offset tell whose norm it is.
    const isOwnNorm = next.op === "BatchNorm" && scope !== "" && scopeOf(own[0] ?? "") === scope;
    if (isJoin || isOwnNorm) members.push(next);
    else if (ACTIVATIONS.has(next.op)) return [...members, next];
    else return members;
  }
}

/** Variables that no owner claimed join the layer of their scope, or make up one. */
function withRest({ nodes, variables }: LayerSources, layers: readonly Layer[]): Layer[] {
  const claimed = new Set(layers.flatMap((layer) => layer.variables));
  const all = new Map(layers.map((layer) => [layer.name, layer]));
  const readers = new Map<string, Node>();
  for (const node of nodes.values())
    for (const input of node.inputs)
      if ("variable" in input && !readers.has(input.variable)) readers.set(input.variable, node);
  for (const variable of variables.values()) {
    if (claimed.has(variable.name) || !isOwned(variable)) continue;
    const name = scopeOf(variable.name) || variable.name;
    const layer = all.get(name) ?? { name, kind: "variables", variables: [], nodes: [] };
    const reader = readers.get(variable.name);
    const isNew = reader !== undefined && !layer.nodes.includes(reader.name);
    all.set(name, {
      ...layer,
      kind: layer.kind === "variables" && reader?.op === "Opaque" ? "recurrent" : layer.kind,
      variables: [...layer.variables, variable.name],
      nodes: isNew && layer.output === undefined ? [...layer.nodes, reader.name] : layer.nodes,
    });
  }
  const order = new Map([...nodes.keys()].map((name, index) => [name, index]));
  const first = (layer: Layer) => order.get(layer.nodes[0]) ?? Infinity;
  return [...all.values()]
    .map((layer) => ({ layer, at: first(layer) }))
    .toSorted((a, b) => (a.at === b.at ? 0 : a.at - b.at))
    .map(({ layer }) => layer);
}

/** The layers of a checkpoint without a graph: a scope each. */
export function groupVariables(variables: ReadonlyMap<string, Variable>): Layer[] {
  const scopes = new Map<string, Variable[]>();
  for (const variable of variables.values()) {
    if (!isOwned(variable)) continue;
    const name = scopeOf(variable.name) || variable.name;
    scopes.set(name, [...(scopes.get(name) ?? []), variable]);
  }
  return [...scopes].map(([name, members]) => ({
    name,
    kind: kindByShape(members),
    variables: members.map((variable) => variable.name),
    nodes: [],
  }));
}

/** A kernel whose last size is the bias's: dense with two axes, a convolution with four. */
function kindByShape(members: readonly Variable[]): string {
  const kernels = members.filter((variable) => variable.shape.length > 1);
  const vectors = members.filter((variable) => variable.shape.length === 1);
  const [kernel] = kernels;
  const fits = vectors.every((vector) => vector.shape[0] === kernel?.shape.at(-1));
  if (kernels.length !== 1 || vectors.length !== 1 || !fits) return "variables";
  return { 2: "dense", 4: "conv2d" }[kernel.shape.length] ?? "variables";
}
