// Which nodes of a graph play which part: where samples and labels go in, the logits, the loss.
import type { OpName } from "./catalogue";
import type { Node, Ref, Roles, Shape } from "./model";
import { ancestors, consumers } from "./order";

interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** What is known beforehand. */
export interface RoleHints {
  /** What gradients start from, or what the recipe names. */
  readonly losses: readonly string[];
  /** The output that the recipe names. */
  readonly output?: string;
}

/** What a loss compares. */
interface Comparison {
  readonly output: string;
  readonly labels: string;
}

/** The roles that the graph leaves no doubt about; what is ambiguous is told with its candidates. */
export function findRoles(graph: Graph, { losses, output: chosen }: RoleHints): Roles {
  const candidates = losses.length > 0 ? [...new Set(losses)] : reducedLosses(graph);
  if (candidates.length > 1) {
    const inputs = placeholders(graph, candidates);
    return { inputs, ambiguous: { role: "loss", candidates } };
  }
  const [loss] = candidates;
  if (loss === undefined) return withoutLoss(graph, chosen);

  const all = comparisons(graph, ancestors(graph, [loss]));
  const compared = chosen === undefined ? all : all.filter((each) => each.output === chosen);
  const outputs =
    chosen === undefined ? [...new Set(compared.map((each) => each.output))] : [chosen];
  if (outputs.length !== 1) {
    const inputs = placeholders(graph, outputs);
    const ambiguous = { role: "output" as const, candidates: outputs };
    return { inputs, loss, ...(outputs.length > 1 && { ambiguous }) };
  }
  const [output] = outputs;
  const fed = [...new Set(compared.flatMap((each) => placeholdersOf(graph, [each.labels])))];
  const inputs = placeholders(graph, [output]).filter((name) => fed.length > 1 || name !== fed[0]);
  if (fed.length > 1)
    return { inputs, output, loss, ambiguous: { role: "labels", candidates: fed } };
  return { inputs, output, loss, ...(fed.length === 1 && { labels: fed[0] }) };
}

/** What the graph is known to minimize: its loss, or those that it may be. */
export const knownLosses = ({ loss, ambiguous }: Roles): readonly string[] =>
  loss !== undefined ? [loss] : ambiguous?.role === "loss" ? ambiguous.candidates : [];

/**
 * The roles of a graph of which only the output `output` counts: of a loss that compares several outputs, the part that
 * compares this one. Without a loss where no part does.
 */
export function focusedRoles(graph: Graph, losses: readonly string[], output: string): Roles {
  const inputs = placeholders(graph, [output]);
  for (const whole of losses.length > 0 ? losses : reducedLosses(graph)) {
    const all = comparisons(graph, ancestors(graph, [whole]));
    const own = all.filter((each) => each.output === output);
    const loss = own.length === all.length ? whole : lossPart(graph, whole, output);
    if (own.length === 0 || loss === undefined) continue;
    const fed = [...new Set(own.flatMap((each) => placeholdersOf(graph, [each.labels])))];
    if (fed.length > 1)
      return { inputs, output, loss, ambiguous: { role: "labels", candidates: fed } };
    const fedInputs = inputs.filter((name) => name !== fed[0]);
    return { inputs: fedInputs, output, loss, ...(fed.length === 1 && { labels: fed[0] }) };
  }
  return { inputs, output };
}

/**
 * The scalar within `loss` that `output` alone decides: what regularization and other outputs are added to. Undefined
 * where the loss does not depend on `output` in this way.
 */
export function lossPart(graph: Graph, loss: string, output: string): string | undefined {
  const within = ancestors(graph, [loss]);
  const own = new Set([output]);
  const others = new Set<string>();
  let part: string | undefined;
  for (const { name, inputs } of graph.nodes.values()) {
    if (!within.has(name) || name === output) continue;
    if (inputs.some((input) => "variable" in input || others.has(input.node))) others.add(name);
    if (inputs.some((input) => "node" in input && own.has(input.node))) own.add(name);
    if (own.has(name) && !others.has(name) && graph.shapes.get(name)?.length === 0) part = name;
  }
  return part;
}

/** The logits of `name`: what goes into it where it is a softmax or the like. */
export function logitsBefore({ nodes }: Pick<Graph, "nodes">, name: string): string {
  let node = nodes.get(name)!;
  while (AFTER_LOGITS.has(node.op) && node.inputs[0] !== undefined && "node" in node.inputs[0])
    node = nodes.get(node.inputs[0].node)!;
  return node.name;
}

const CROSS_ENTROPY: ReadonlySet<OpName> = new Set<OpName>([
  "SparseSoftmaxCrossEntropy",
  "SoftmaxCrossEntropy",
  "SigmoidCrossEntropy",
]);

type Comparer = (graph: Graph, node: Node) => Comparison[];

/** What a node of one of these kinds says about output and labels, the surest sign of a loss first. */
const LOSSES: readonly Comparer[] = [crossEntropy, crossEntropyByHand, squaredDifference];
/** Beside a loss of another kind, these may as well be metrics. */
const OTHER_LOSSES: readonly Comparer[] = [absoluteDifference, hinge];

/** The comparisons of an output with labels among `names`, of the first kind that there are any of. */
function comparisons(
  graph: Graph,
  names: ReadonlySet<string>,
  kinds: readonly Comparer[] = [...LOSSES, ...OTHER_LOSSES],
): Comparison[] {
  const nodes = [...names].map((name) => graph.nodes.get(name)!);
  for (const compare of kinds) {
    const found = nodes.flatMap((node) => compare(graph, node));
    if (found.length > 0) return found;
  }
  return [];
}

function crossEntropy(graph: Graph, { op, inputs: [logits, labels] }: Node): Comparison[] {
  if (!CROSS_ENTROPY.has(op) || !("node" in logits) || !("node" in labels)) return [];
  return [{ output: unwrapped(graph, logits.node), labels: labels.node }];
}

/** labels · log(softmax(logits)), as the first tutorials wrote it, with or without clipping. */
function crossEntropyByHand(graph: Graph, node: Node): Comparison[] {
  if (node.op !== "Mul") return [];
  const sides = bothNodes(node.inputs);
  if (sides === undefined) return [];
  for (const [labels, logs] of [sides, [sides[1], sides[0]]]) {
    const logits = logitsOfLog(graph, logs);
    if (logits !== undefined && !dependsOnVariable(graph, labels))
      return [{ output: unwrapped(graph, logits), labels }];
  }
  return [];
}

/** The logits of log(softmax(logits)); constants may bound or shift what the logarithm is taken of. */
function logitsOfLog({ nodes }: Graph, name: string): string | undefined {
  let node = nodes.get(name)!;
  if (node.op === "LogSoftmax") return firstNode(node);
  if (node.op !== "Log") return undefined;
  for (;;) {
    const inner = firstNode(node);
    if (inner === undefined) return undefined;
    node = nodes.get(inner)!;
    if (node.op === "Softmax") return firstNode(node);
    if (!["Minimum", "Maximum", "Add"].includes(node.op)) return undefined;
  }
}

const firstNode = ({ inputs: [input] }: Node): string | undefined =>
  input !== undefined && "node" in input ? input.node : undefined;

/** (a − b)², however it is spelt. */
function squaredDifference(graph: Graph, node: Node): Comparison[] {
  if (node.op === "SquaredDifference") return between(graph, node.inputs);
  if (node.op !== "Square" && node.op !== "L2Loss") return [];
  const inner = inputAt(graph, node, 0);
  return inner?.op === "Sub" ? between(graph, inner.inputs) : [];
}

/** |a − b| */
function absoluteDifference(graph: Graph, node: Node): Comparison[] {
  const inner = node.op === "Abs" ? inputAt(graph, node, 0) : undefined;
  return inner?.op === "Sub" ? between(graph, inner.inputs) : [];
}

/** max(0, 1 − a·b) */
function hinge(graph: Graph, node: Node): Comparison[] {
  if (node.op !== "Relu" && node.op !== "Maximum") return [];
  return node.inputs.flatMap((_, index) => {
    const margin = inputAt(graph, node, index);
    if (margin?.op !== "Sub" || inputAt(graph, margin, 0)?.op !== "Const") return [];
    const product = inputAt(graph, margin, 1);
    return product?.op === "Mul" ? between(graph, product.inputs) : [];
  });
}

/** Of two sides, the labels are the one that no variable has a part in. */
function between(graph: Graph, inputs: readonly Ref[]): Comparison[] {
  const [a, b] = bothNodes(inputs) ?? [];
  if (a === undefined || b === undefined) return [];
  if (!dependsOnVariable(graph, b)) return [{ output: unwrapped(graph, a), labels: b }];
  return dependsOnVariable(graph, a) ? [] : [{ output: unwrapped(graph, b), labels: a }];
}

function inputAt({ nodes }: Graph, { inputs }: Node, index: number): Node | undefined {
  const input = inputs[index];
  return input !== undefined && "node" in input ? nodes.get(input.node) : undefined;
}

const bothNodes = ([a, b]: readonly Ref[]): [string, string] | undefined =>
  "node" in a && "node" in b ? [a.node, b.node] : undefined;

const dependsOnVariable = (graph: Graph, name: string): boolean =>
  [...ancestors(graph, [name])].some((each) =>
    graph.nodes.get(each)!.inputs.some((input) => "variable" in input),
  );

/** Behind the reshapes that TensorFlow's losses put around logits. */
function unwrapped({ nodes, shapes }: Graph, name: string): string {
  let at = name;
  for (;;) {
    const node = nodes.get(at)!;
    const [input] = node.inputs;
    const isWrapping = ["Reshape", "Identity", "Cast"].includes(node.op);
    if (!isWrapping || input === undefined || !("node" in input)) return at;
    if (shapes.get(input.node)?.join() !== shapes.get(at)?.join()) return at;
    at = input.node;
  }
}

/** Without gradients: scalars that a comparison with labels is reduced to. */
function reducedLosses(graph: Graph): string[] {
  const { nodes, shapes } = graph;
  const uses = consumers(graph);
  const scalars = [...nodes.values()]
    .filter((node) => shapes.get(node.name)?.length === 0 && uses.get(node.name)!.length === 0)
    .map((node) => node.name);
  const comparing = (kinds: readonly Comparer[]) =>
    scalars.filter((name) => comparisons(graph, ancestors(graph, [name]), kinds).length > 0);
  const losses = comparing(LOSSES);
  return losses.length > 0 ? losses : comparing(OTHER_LOSSES);
}

/** Ops that follow the logits in a graph that only predicts. */
const AFTER_LOGITS: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "Identity", "InTopK", "Cast"] as const),
]);

/** The output of a graph that has no loss: what its results have in common, before softmax and argmax. */
function withoutLoss(graph: Graph, chosen: string | undefined): Roles {
  if (chosen !== undefined) return { inputs: placeholders(graph, [chosen]), output: chosen };
  const { nodes } = graph;
  const uses = consumers(graph);
  const results = [...nodes.values()].filter(
    (node) => uses.get(node.name)!.length === 0 && dependsOnVariable(graph, node.name),
  );
  const outputs = [...new Set(results.map((result) => logitsBefore(graph, result.name)))];
  const inputs = placeholders(graph, outputs);
  if (outputs.length === 1) return { inputs, output: outputs[0] };
  return outputs.length === 0
    ? { inputs }
    : { inputs, ambiguous: { role: "output", candidates: outputs } };
}

const placeholdersOf = (graph: Graph, names: readonly string[]): string[] =>
  [...ancestors(graph, names)].filter((name) => graph.nodes.get(name)!.op === "Placeholder");

/** Placeholders that samples are fed to: not the modes and rates, which are scalars. */
function placeholders(graph: Graph, outputs: readonly string[]): string[] {
  const rates = new Set([...graph.nodes.values()].flatMap(rateOf));
  const reached = new Set(placeholdersOf(graph, outputs));
  return [...graph.nodes.values()]
    .filter((node) => node.op === "Placeholder" && reached.has(node.name) && !rates.has(node.name))
    .filter((node) => node.op === "Placeholder" && node.attributes.dtype !== "bool")
    .filter((node) => graph.shapes.get(node.name)?.length !== 0)
    .map((node) => node.name);
}

function rateOf(node: Node): string[] {
  if (node.op !== "Dropout") return [];
  if ("rateFrom" in node.attributes) return [node.attributes.rateFrom];
  return "keepProbabilityFrom" in node.attributes ? [node.attributes.keepProbabilityFrom] : [];
}
