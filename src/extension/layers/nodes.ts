// The tree of the Layers view as plain data: what is under what, and what the filter leaves. Knows no VS Code.
import type { CheckpointFile } from "../../protocol/checkpoint";
import type { Plan, PlanLayer, PlanVariable } from "../../protocol/plan";

export type LayerNode =
  | {
      readonly kind: "checkpoint";
      readonly file: CheckpointFile;
      readonly plan?: Plan;
      readonly open: boolean;
    }
  | { readonly kind: "failure"; readonly message: string; readonly file: CheckpointFile }
  | {
      readonly kind: "noGraph";
      readonly why: string;
      readonly file: CheckpointFile;
      readonly graph?: string;
    }
  | { readonly kind: "input"; readonly input: Plan["inputs"][number] }
  | {
      readonly kind: "layer";
      readonly layer: PlanLayer;
      readonly plan: Plan;
      readonly file: CheckpointFile;
    }
  | { readonly kind: "cut"; readonly plan: Plan }
  | { readonly kind: "others"; readonly variables: readonly PlanVariable[] }
  | {
      readonly kind: "variable";
      readonly variable: PlanVariable;
      readonly layer?: PlanLayer;
      readonly owner: string;
    };

/** What the view shows of the open checkpoint. */
export interface Shown {
  readonly file: CheckpointFile;
  readonly plan?: Plan;
  readonly failure?: string;
}

export interface LayerTree {
  readonly roots: readonly LayerNode[];
  readonly children: ReadonlyMap<LayerNode, readonly LayerNode[]>;
  readonly parents: ReadonlyMap<LayerNode, LayerNode>;
  /** Layers that the filter leaves, and all of them. */
  readonly matching: number;
  readonly layers: number;
}

export function buildTree(
  files: readonly CheckpointFile[],
  shown: Shown | undefined,
  filter: string,
): LayerTree {
  const children = new Map<LayerNode, readonly LayerNode[]>();
  const parents = new Map<LayerNode, LayerNode>();
  const adopt = (parent: LayerNode, nodes: readonly LayerNode[]) => {
    children.set(parent, nodes);
    for (const node of nodes) parents.set(node, parent);
  };
  const all =
    shown && !files.some((file) => file.path === shown.file.path) ? [shown.file, ...files] : files;
  let matching = 0;
  const roots = all.map((file): LayerNode => {
    if (file.path !== shown?.file.path) return { kind: "checkpoint", file, open: false };
    const { plan, failure } = shown;
    const root: LayerNode = { kind: "checkpoint", file, open: true, ...(plan ? { plan } : {}) };
    const nodes: LayerNode[] = [];
    if (failure !== undefined) nodes.push({ kind: "failure", message: failure, file });
    if (plan) {
      const rows = planNodes(plan, file, filter.trim().toLowerCase(), adopt);
      matching = rows.filter((row) => row.kind === "layer").length;
      nodes.push(...rows);
    }
    adopt(root, nodes);
    return root;
  });
  return { roots, children, parents, matching, layers: shown?.plan?.layers.length ?? 0 };
}

function planNodes(
  plan: Plan,
  file: CheckpointFile,
  filter: string,
  adopt: (parent: LayerNode, nodes: readonly LayerNode[]) => void,
): LayerNode[] {
  const has = (text: string) => text.toLowerCase().includes(filter);
  const nodes: LayerNode[] = [];
  if (filter === "" && plan.noGraph !== undefined)
    nodes.push({ kind: "noGraph", why: plan.noGraph, file, graph: plan.fittingGraph });
  if (filter === "") for (const input of plan.inputs) nodes.push({ kind: "input", input });
  plan.layers.forEach((layer, i) => {
    // Above the first layer the cut would save nothing.
    if (filter === "" && i > 0 && plan.cut?.beforeLayer === i) nodes.push({ kind: "cut", plan });
    const whole = has(layer.name) || has(layer.what) || has(layer.kind);
    const variables = whole ? layer.variables : layer.variables.filter(({ name }) => has(name));
    if (!whole && variables.length === 0) return;
    const node: LayerNode = { kind: "layer", layer, plan, file };
    nodes.push(node);
    adopt(
      node,
      variables.map((variable) => ({ kind: "variable", variable, layer, owner: layer.name })),
    );
  });
  const others = plan.otherVariables.filter(({ name }) => has(name));
  if (others.length > 0) {
    const node: LayerNode = { kind: "others", variables: others };
    nodes.push(node);
    adopt(
      node,
      others.map((variable) => ({ kind: "variable", variable, owner: "" })),
    );
  }
  return nodes;
}

/** Stays the same when the plan is made anew, so that rows stay expanded and selected. */
export function nodeId(node: LayerNode): string {
  switch (node.kind) {
    case "checkpoint":
      return `checkpoint:${node.file.path}:${node.open ? "open" : "closed"}`;
    case "failure":
      return `failure:${node.file.path}`;
    case "noGraph":
      return `noGraph:${node.file.path}`;
    case "input":
      return `input:${node.input.name}`;
    case "layer":
      return `layer:${node.file.path}:${node.layer.name}`;
    case "cut":
      return "cut";
    case "others":
      return "others";
    case "variable":
      return `variable:${node.owner}:${node.variable.name}`;
  }
}
