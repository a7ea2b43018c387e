// TensorFlow 1's conds: Switch and Merge, which are decided for inference.
import { plain } from "./known";
import {
  consumed,
  inputOf,
  make,
  meaningOf,
  sameValue,
  type Lifter,
  type Lifting,
  type Meaning,
} from "./lifting";
import { tensorName, type SourceNode, type Tensor } from "./source";

/** Both outputs are the data; `markDead` says which of them exists. */
export const switchOp: Lifter = (lifting, node) => {
  const data = inputOf(lifting, node, 0);
  return [data, data];
};

/** The end of a cond: the branch that inference takes, unless a pattern needs both. */
export const merge: Lifter = (lifting, node) => {
  const alive = node.inputs.filter((input) => !isDead(lifting, input));
  const [taken] = alive.length > 0 ? alive : node.inputs;
  if (taken === undefined || alive.length > 1) return undefined;
  const others = node.inputs.filter((input) => input !== taken);
  return patternByMode(lifting, node, taken, others) ?? meaningOf(lifting, taken);
};

/** A dropout or batch norm that is chosen by the mode. `taken`: the branch of inference. */
export function patternByMode(
  lifting: Lifting,
  node: SourceNode,
  taken: Tensor,
  others: readonly Tensor[],
): Meaning | undefined {
  const value = meaningOf(lifting, taken);
  const rest = others.map((other) => meaningOf(lifting, other));
  return dropoutInCond(lifting, node, value, rest) ?? batchNormInCond(lifting, node, taken, value);
}

/** cond(training, dropout(x), x) */
function dropoutInCond(
  lifting: Lifting,
  node: SourceNode,
  value: Meaning,
  others: readonly Meaning[],
): Meaning | undefined {
  const dropout = others.find((other) => other.kind === "node" && other.node.op === "Dropout");
  if (dropout?.kind !== "node" || dropout.node.op !== "Dropout") return undefined;
  const [input] = dropout.node.inputs;
  const x = "node" in input ? lifting.made.get(input.node) : undefined;
  if (x === undefined || !sameValue(x, value)) return undefined;
  lifting.replaced.set(dropout.node.name, node.name);
  const origin = consumed(lifting, node, [x]);
  return make(lifting, node, "Dropout", dropout.node.attributes, [x], { origin });
}

/** cond(training, batchNorm by the batch, batchNorm by the moving statistics) */
function batchNormInCond(
  lifting: Lifting,
  node: SourceNode,
  taken: Tensor,
  value: Meaning,
): Meaning | undefined {
  if (value.kind !== "node" || value.node.op !== "BatchNorm") return undefined;
  if (value.node.origin.at(-1) !== taken.node) return undefined;
  const inputs = value.node.inputs.map((input): Meaning | undefined =>
    "node" in input ? lifting.made.get(input.node) : variableNamed(lifting, input.variable),
  );
  if (!inputs.every((input) => input !== undefined)) return undefined;
  lifting.replaced.set(value.node.name, node.name);
  const origin = consumed(lifting, node, inputs);
  return make(lifting, node, "BatchNorm", value.node.attributes, inputs, { origin });
}

export function variableNamed(lifting: Lifting, name: string): Meaning | undefined {
  for (const variable of lifting.variables.values())
    if (variable.name === name) return { kind: "variable", variable };
  return undefined;
}

/** Whether a branch of a cond is not taken: TensorFlow's own rule, with every mode placeholder false. */
export function markDead(
  lifting: Lifting & { readonly dead: Set<string> },
  node: SourceNode,
): void {
  const kill = (output: number): void => {
    lifting.dead.add(tensorName({ node: node.name, output }));
  };
  if (node.op === "Merge" || node.op === "RefMerge") {
    if (node.inputs.length > 0 && node.inputs.every((input) => isDead(lifting, input))) kill(0);
    return;
  }
  const inherited =
    node.inputs.some((input) => isDead(lifting, input)) ||
    node.controls.some((name) => lifting.dead.has(name));
  if (node.op === "Switch" || node.op === "RefSwitch") {
    const [taken] = predicate(lifting, node) ?? [];
    if (inherited || taken === 1) kill(0);
    if (inherited || taken === 0) kill(1);
    return;
  }
  if (inherited) {
    kill(0);
    lifting.dead.add(everyOutput(node.name));
  }
}

const everyOutput = (name: string): string => `${name}:*`;

const isDead = (lifting: Lifting, tensor: Tensor): boolean =>
  lifting.dead.has(tensorName(tensor)) || lifting.dead.has(everyOutput(tensor.node));

function predicate(lifting: Lifting, node: SourceNode): number[] | undefined {
  const [, by] = node.inputs;
  const meaning = by === undefined ? undefined : lifting.meanings.get(tensorName(by));
  return meaning?.kind === "static" ? plain(meaning.value) : undefined;
}
