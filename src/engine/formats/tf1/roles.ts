// Which nodes of a lifted graph play which part: where samples and labels go in, the logits, the loss.
import type { OpName } from "../../graph/catalogue";
import type { Node, Ref, Roles, Shape, Variable } from "../../graph/model";
import { ancestors, consumers } from "../../graph/order";

export interface RoleSources {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** What gradients start from. */
  readonly losses: readonly string[];
}

/** What a loss compares. */
interface Comparison {
  readonly output: string;
  readonly labels: string;
}

export function findRoles(sources: RoleSources): Roles {
  const { losses } = sources;
  const candidates = losses.length > 0 ? [...new Set(losses)] : reducedLosses(sources);
  if (candidates.length > 1)
    return { inputs: placeholders(sources, []), ambiguous: { role: "loss", candidates } };
  const [loss] = candidates;
  if (loss === undefined) return withoutLoss(sources);

  const compared = comparisons(sources, ancestors(sources, [loss]));
  const outputs = [...new Set(compared.map((each) => each.output))];
  if (outputs.length !== 1) {
    const inputs = placeholders(sources, outputs);
    const ambiguous = { role: "output" as const, candidates: outputs };
    return { inputs, loss, ...(outputs.length > 1 && { ambiguous }) };
  }
  const [output] = outputs;
  const fed = [...new Set(compared.flatMap((each) => placeholdersOf(sources, [each.labels])))];
  const inputs = placeholders(sources, [output]).filter(
    (name) => !fed.includes(name) || fed.length > 1,
  );
  if (fed.length > 1)
    return { inputs, output, loss, ambiguous: { role: "labels", candidates: fed } };
  return { inputs, output, loss, ...(fed.length === 1 && { labels: fed[0] }) };
}

const CROSS_ENTROPY: ReadonlySet<OpName> = new Set<OpName>([
  "SparseSoftmaxCrossEntropy",
  "SoftmaxCrossEntropy",
  "SigmoidCrossEntropy",
]);

/** The comparisons of an output with labels among `names`: cross-entropies, else differences that are squared. */
function comparisons(sources: RoleSources, names: ReadonlySet<string>): Comparison[] {
  const nodes = [...names].map((name) => sources.nodes.get(name)!);
  const entropies = nodes.filter((node) => CROSS_ENTROPY.has(node.op));
  if (entropies.length > 0)
    return entropies.flatMap(({ inputs: [logits, labels] }) =>
      "node" in logits && "node" in labels
        ? [{ output: unwrapped(sources, logits.node), labels: labels.node }]
        : [],
    );
  return nodes.flatMap((node) => {
    const difference = squaredDifference(sources, node);
    if (difference === undefined) return [];
    const [a, b] = difference;
    // The labels are the side that no variable has a part in.
    if (!dependsOnVariable(sources, b)) return [{ output: unwrapped(sources, a), labels: b }];
    return dependsOnVariable(sources, a) ? [] : [{ output: unwrapped(sources, b), labels: a }];
  });
}

/** The two sides of (a − b)², however it is spelt. */
function squaredDifference({ nodes }: RoleSources, node: Node): [string, string] | undefined {
  if (node.op === "SquaredDifference") return bothNodes(node.inputs);
  if (node.op !== "Square" && node.op !== "L2Loss") return undefined;
  const [input] = node.inputs;
  const inner = "node" in input ? nodes.get(input.node) : undefined;
  return inner?.op === "Sub" ? bothNodes(inner.inputs) : undefined;
}

const bothNodes = ([a, b]: readonly Ref[]): [string, string] | undefined =>
  "node" in a && "node" in b ? [a.node, b.node] : undefined;

const dependsOnVariable = (sources: RoleSources, name: string): boolean =>
  [...ancestors(sources, [name])].some((each) =>
    sources.nodes.get(each)!.inputs.some((input) => "variable" in input),
  );

/** Behind the reshapes that TensorFlow's losses put around logits. */
function unwrapped({ nodes, shapes }: RoleSources, name: string): string {
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

/** Without gradients: scalars that a cross-entropy or squared difference is reduced to. */
function reducedLosses(sources: RoleSources): string[] {
  const { nodes, shapes } = sources;
  const uses = consumers(sources);
  return [...nodes.values()]
    .filter((node) => shapes.get(node.name)?.length === 0 && uses.get(node.name)!.length === 0)
    .map((node) => node.name)
    .filter((name) => comparisons(sources, ancestors(sources, [name])).length > 0);
}

/** Ops that follow the logits in a graph that only predicts. */
const AFTER_LOGITS: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "Identity", "InTopK", "Cast"] as const),
]);

/** The output of a graph that has no loss: what its results have in common, before softmax and argmax. */
function withoutLoss(sources: RoleSources): Roles {
  const { nodes } = sources;
  const uses = consumers(sources);
  const results = [...nodes.values()].filter(
    (node) => uses.get(node.name)!.length === 0 && dependsOnVariable(sources, node.name),
  );
  const outputs = [
    ...new Set(
      results.map((result) => {
        let at = result;
        while (AFTER_LOGITS.has(at.op) && at.inputs[0] !== undefined && "node" in at.inputs[0])
          at = nodes.get(at.inputs[0].node)!;
        return at.name;
      }),
    ),
  ];
  const inputs = placeholders(sources, outputs);
  if (outputs.length === 1) return { inputs, output: outputs[0] };
  return outputs.length === 0
    ? { inputs }
    : { inputs, ambiguous: { role: "output", candidates: outputs } };
}

const placeholdersOf = (sources: RoleSources, names: readonly string[]): string[] =>
  [...ancestors(sources, names)].filter((name) => sources.nodes.get(name)!.op === "Placeholder");

/** Placeholders that samples are fed to: not the modes and rates, which are scalars. */
function placeholders(sources: RoleSources, outputs: readonly string[]): string[] {
  const rates = new Set([...sources.nodes.values()].flatMap(rateOf));
  const reached = new Set(placeholdersOf(sources, outputs));
  return [...sources.nodes.values()]
    .filter((node) => node.op === "Placeholder" && reached.has(node.name) && !rates.has(node.name))
    .filter((node) => node.op === "Placeholder" && node.attributes.dtype !== "bool")
    .filter((node) => sources.shapes.get(node.name)?.length !== 0)
    .map((node) => node.name);
}

function rateOf(node: Node): string[] {
  if (node.op !== "Dropout") return [];
  if ("rateFrom" in node.attributes) return [node.attributes.rateFrom];
  return "keepProbabilityFrom" in node.attributes ? [node.attributes.keepProbabilityFrom] : [];
}
