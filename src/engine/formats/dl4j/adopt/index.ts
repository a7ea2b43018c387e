// A network of another format in the form that Deeplearning4j has: the same function, in its ops and names.
import { GraftError } from "../../../../protocol/errors";
import type { Model, Node } from "../../../graph/model";
import { ancestors, usedVariables } from "../../../graph/order";
import { INPUT } from "../configuration";
import { isVertex } from "../patch/newvertex";
import { withOutputBias } from "./bias";
import { layered } from "./layers";
import { withLoss } from "./loss";
import { masked } from "./masks";
import { namer } from "./names";
import { withParameters } from "./norms";
import { batchMajor, plain } from "./plain";
import { separateKernels } from "./recurrent";
import { isMask, needed } from "./rewrite";
import { perStep } from "./steps";

export interface Adopted {
  readonly model: Model;
  /** Names of what samples are fed to, in Deeplearning4j. */
  readonly inputs: readonly string[];
  /** Whether every layer reads the one before: a MultiLayerNetwork. */
  readonly isChain: boolean;
  /** What a user must know. */
  readonly notes: readonly string[];
}

/**
 * What the output of `source` needs, with nothing that only its own file needs. Throws `no-graph` where the output is not
 * known, `invalid-edit` for what Deeplearning4j has no words for.
 */
export function adopted(source: Model): Adopted {
  const notes: string[] = [];
  const passes: readonly ((model: Model) => Model)[] = [
    batchMajor,
    (model) => plain(model, source, notes),
    perStep,
    withOutputBias,
    (model) => masked(model, notes),
    separateKernels,
    withParameters,
  ];
  const model = passes.reduce((now, pass) => pass(now), forward(source));
  const placeholders = [...model.nodes.values()].filter(
    (node) => node.op === "Placeholder" && !isMask(node),
  );
  const isChain = placeholders.length === 1 && isChainOf(model);
  const free = namer([]);
  const names = new Map(placeholders.map(({ name }) => [name, isChain ? INPUT : free(name)]));
  const inputs = [...names.values()];
  const fed: Model = {
    ...model,
    nodes: new Map([...model.nodes].map(([name, node]) => [name, named(node, names)])),
    roles: { ...model.roles, inputs: placeholders.map(({ name }) => name) },
  };
  const variables = usedVariables(fed).map((each) => [each.name, each] as const);
  const complete = layered({ ...fed, variables: new Map(variables) }, inputs);
  const ranks = new Set(placeholders.map(({ name }) => model.shapes.get(name)?.length));
  if (ranks.has(4)) notes.push("Images are fed with their channels last, as before.");
  if (ranks.has(3)) notes.push("Sequences are fed as [samples, features, steps].");
  return { model: withLoss(complete, source, notes), inputs, isChain, notes: [...new Set(notes)] };
}

/** The way from the samples to the output. */
function forward(source: Model): Model {
  const { output } = source.roles;
  if (output === undefined)
    throw new GraftError(
      "no-graph",
      `Which node is the output of the network is not known${source.roles.ambiguous ? `: ${source.roles.ambiguous.candidates.join(", ")} could be` : ""}. Graft converts networks with one output.`,
    );
  const nodes = [...source.nodes].map(([name, node]) => [name, { ...node, origin: [] }] as const);
  const names = ancestors(source, [output]);
  return {
    ...source,
    aliases: new Map(),
    nodes: new Map(nodes.filter(([name]) => names.has(name))),
    roles: { inputs: [], output },
  };
}

/** Inputs come from their own names in Deeplearning4j, masks from the input that they are of. */
const named = (node: Node, names: ReadonlyMap<string, string>): Node =>
  node.op === "Placeholder"
    ? { ...node, origin: [names.get(isMask(node) ? node.origin[0] : node.name)!] }
    : node;

/** Whether each op reads the one before alone. */
function isChainOf(model: Model): boolean {
  const { nodes } = needed(model);
  let before: string | undefined;
  for (const node of nodes.values()) {
    if (isMask(node)) continue;
    if (isVertex(model, node)) return false;
    const read = node.inputs.flatMap((ref) =>
      "node" in ref && !isMask(nodes.get(ref.node)) ? [ref.node] : [],
    );
    if (read.length > 1 || read[0] !== before) return false;
    before = node.name;
  }
  return true;
}
