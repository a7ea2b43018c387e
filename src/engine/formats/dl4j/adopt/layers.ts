// The nodes of a network as what Deeplearning4j calls layers and vertices, each of which becomes one.
import type { OpName } from "../../../graph/catalogue";
import type { Layer, Model, Node } from "../../../graph/model";
import { consumers } from "../../../graph/order";
import { isActivation } from "../patch/fields";
import { isMask } from "./rewrite";
import { namer } from "./names";

/** Ops whose layer has a bias and an activation function of its own. */
const WITH_BIAS: ReadonlySet<OpName> = new Set(["MatMul", "Conv2D"]);

interface Draft {
  readonly core: Node;
  readonly nodes: Node[];
}

/** `model` with a layer for each layer or vertex of Deeplearning4j. `taken`: names that none may have. */
export function layered(model: Model, taken: readonly string[]): Model {
  const uses = consumers(model);
  const drafts: Draft[] = [];
  const ofNode = new Map<string, Draft>();
  const put = (draft: Draft, node: Node): void => {
    draft.nodes.push(node);
    ofNode.set(node.name, draft);
  };
  for (const node of model.nodes.values()) {
    if (node.op === "Placeholder" || isAside(model, node)) continue;
    const draft = goesAlong(node) ?? { core: node, nodes: [] };
    if (draft.nodes.length === 0) drafts.push(draft);
    for (const input of node.inputs) {
      const read = "node" in input ? model.nodes.get(input.node)! : undefined;
      if (read !== undefined && isAside(model, read) && !ofNode.has(read.name)) put(draft, read);
    }
    put(draft, node);
  }
  return { ...model, layers: named(model, drafts, taken) };

  function goesAlong(node: Node): Draft | undefined {
    if (node.op !== "BiasAdd" && !isActivation(node)) return undefined;
    const [x] = node.inputs;
    const draft = "node" in x ? ofNode.get(x.node) : undefined;
    if (draft === undefined || !WITH_BIAS.has(draft.core.op)) return undefined;
    const last = draft.nodes.at(-1)!;
    const isNext = "node" in x && last.name === x.node && uses.get(x.node)!.length === 1;
    const fits = node.op === "BiasAdd" ? last === draft.core : !isActivation(last);
    return isNext && fits ? draft : undefined;
  }
}

/** Constants and lengths, which stand with what reads them. */
function isAside({ nodes }: Model, { op, inputs: [x] }: Node): boolean {
  return op === "Const" || (op === "Sum" && "node" in x && isMask(nodes.get(x.node)));
}

/** By the layers that they were in the source; the part with the variables has that name as it is. */
function named(model: Model, drafts: readonly Draft[], taken: readonly string[]): Layer[] {
  const sources = new Map(
    model.layers.flatMap((layer) => layer.nodes.map((node) => [node, layer])),
  );
  const sourceOf = ({ core }: Draft): Layer | undefined => sources.get(core.name);
  const main = new Map<Layer, Draft>();
  const variablesOf = ({ nodes }: Draft): readonly string[] =>
    nodes.flatMap(({ inputs }) => inputs.flatMap((ref) => ("variable" in ref ? ref.variable : [])));
  for (const draft of drafts) {
    const source = sourceOf(draft);
    if (source !== undefined && !main.has(source) && variablesOf(draft).length > 0)
      main.set(source, draft);
  }
  const free = namer(taken);
  const wanted = (draft: Draft): string => {
    const source = sourceOf(draft);
    if (source === undefined) return draft.core.name;
    return main.get(source) === draft ? source.name : `${source.name}_${draft.core.op}`;
  };
  // Those with a name of their own first.
  const names = new Map<Draft, string>();
  for (const draft of [...main.values(), ...drafts])
    if (!names.has(draft)) names.set(draft, free(wanted(draft)));
  return drafts.map((draft): Layer => ({
    name: names.get(draft)!,
    kind: draft.core.op,
    variables: variablesOf(draft),
    nodes: draft.nodes.map(({ name }) => name),
    output: draft.nodes.at(-1)!.name,
  }));
}
