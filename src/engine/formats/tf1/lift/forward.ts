// Which part of a training graph is the network: what the loss and the graph's other results are computed from,
// without gradients, optimizers, initializers, savers and summaries.
import * as attributes from "./attributes";
import { inputNode, tensorName, type SourceGraph, type SourceNode } from "./source";

export interface Forward {
  /** Results: nobody in the network reads them. */
  readonly results: readonly SourceNode[];
  /** What gradients start from, by tensor name; those that an optimizer applies, if any does. */
  readonly losses: readonly string[];
  /** The results, the losses and all they are computed from, in topological order. */
  readonly nodes: readonly SourceNode[];
}

export function findForward(graph: SourceGraph): Forward {
  const starts = gradientStarts(graph);
  const training = trainingPart(graph, starts);
  const fromSamples = downstream(
    graph,
    [...graph.nodes.values()].filter((node) => isSource(node) && !training.has(node.name)),
  );
  const results = [...graph.nodes.values()].filter(
    (node) =>
      fromSamples.has(node.name) &&
      !training.has(node.name) &&
      !isSource(node) &&
      !SILENT.test(node.op) &&
      !isCheck(node) &&
      isResult(graph, node, training),
  );
  const losses = lossesOf(graph, starts).filter((name) => !training.has(name.split(":")[0]));
  const needed = upstream(graph, [
    ...results,
    ...losses.flatMap((name) => graph.nodes.get(name.split(":")[0]) ?? []),
  ]);
  return { results, losses, nodes: graph.order.filter((node) => needed.has(node.name)) };
}

/** Where samples come in. */
const SOURCE = /^(Placeholder(V2|WithDefault)?|IteratorGetNext|QueueDequeue(Many|UpTo)?(V2)?)$/;
const isSource = (node: SourceNode): boolean => SOURCE.test(node.op);

/** Ops that change state; what they read is no result. */
const STATE =
  /^((Resource)?(Sparse)?Apply.*|ResourceSparseApply.*|Assign.*|(Resource)?Scatter.*|ResourceStridedSliceAssign|CountUpTo|QueueEnqueue.*|MakeIterator)$/;
const APPLY = /^(Resource)?(Sparse)?Apply|^ResourceSparseApply/;

/** Ops that have no value, or whose value nobody means when they say "the network". */
const SILENT =
  /^(NoOp|Assert|All|Fill|Shape|ShapeN|Size|Rank|Exit|.*Summary(V2)?|Print(V2)?|Switch|RefSwitch|.*Queue.*|Iterator.*|.*Dataset.*|.*HashTable.*)$/;

/** dynamic_rnn computes the shortest length whether it needs it or not. */
const isCheck = (node: SourceNode): boolean =>
  node.op === "Min" && /^int/.test(attributes.type(node, "T") ?? "");

/** Readers that make nothing of what they read. */
const WATCHER = /^(Assert|.*Summary(V2)?|Print(V2)?)$/;

const SAVE =
  /^(Save|SaveV2|SaveSlices|Restore|RestoreV2|RestoreSlice|MergeV2Checkpoints|ShardedFilename)$/;

const isResult = (graph: SourceGraph, node: SourceNode, training: ReadonlySet<string>): boolean =>
  graph.readers
    .get(node.name)!
    .every((reader) =>
      training.has(reader.name) ? !STATE.test(reader.op) : WATCHER.test(reader.op),
    );

interface Start {
  /** Ends in "/": everything below it are gradients. */
  readonly scope: string;
  /** Filled with ones (or what the caller gave) in the shape of the loss. */
  readonly ones: SourceNode;
}

/** tf.gradients begins with `grad_ys_0`; before TensorFlow 1.5, with a Fill beside a Shape. */
function gradientStarts(graph: SourceGraph): Start[] {
  const starts: Start[] = [];
  for (const node of graph.nodes.values()) {
    const [, scope] =
      /^(.*\/)?grad_ys_\d+$/.exec(node.name) ??
      (node.op === "Fill"
        ? /^((?:.*\/)?gradients(?:_\d+)?\/)Fill(?:_\d+)?$/.exec(node.name)
        : null) ??
      [];
    if (scope !== undefined) starts.push({ scope, ones: node });
  }
  return starts;
}

/** Gradients and all that is made of them, state changes, and the saver with its file names. */
function trainingPart(graph: SourceGraph, starts: readonly Start[]): Set<string> {
  const scopes = new Set(starts.map((start) => start.scope));
  const inScope = (name: string): boolean => {
    for (let end = name.indexOf("/"); end >= 0; end = name.indexOf("/", end + 1))
      if (scopes.has(name.slice(0, end + 1))) return true;
    return false;
  };
  const all = [...graph.nodes.values()];
  const savers = all.filter((node) => SAVE.test(node.op));
  const names = upstream(
    graph,
    savers.flatMap((node) => inputNode(graph, node, 0) ?? []),
  );
  const seeds = all.filter((node) => inScope(node.name) || names.has(node.name));
  const state = all.filter((node) => STATE.test(node.op)).map((node) => node.name);
  return new Set([...downstream(graph, [...seeds, ...savers]), ...state]);
}

/** What depends on `from` by data, itself included; state changes end the walk. */
function downstream(graph: SourceGraph, from: readonly SourceNode[]): Set<string> {
  const reached = new Set<string>();
  const open = [...from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node.name)) continue;
    reached.add(node.name);
    if (STATE.test(node.op)) continue;
    for (const reader of graph.readers.get(node.name)!) open.push(reader);
  }
  return reached;
}

/** What `from` depends on, itself included. Of controls only those that say which branch of a cond a node is in. */
function upstream(graph: SourceGraph, from: readonly SourceNode[]): Set<string> {
  const reached = new Set<string>();
  const open = [...from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node.name)) continue;
    reached.add(node.name);
    const pivots = node.controls.filter((name) => isPivot(graph, graph.nodes.get(name)!));
    for (const name of [...node.inputs.map((input) => input.node), ...pivots])
      open.push(graph.nodes.get(name)!);
  }
  return reached;
}

const isPivot = (graph: SourceGraph, node: SourceNode): boolean =>
  /^(Switch|Merge)$/.test(node.op) ||
  (node.op === "Identity" && inputNode(graph, node, 0)?.op === "Switch");

function lossesOf(graph: SourceGraph, starts: readonly Start[]): string[] {
  const applied = upstreamOfApply(graph);
  const used = starts.filter((start) => applied.has(start.ones.name));
  const losses = (used.length > 0 ? used : starts).map((start) => lossOf(graph, start));
  return [...new Set(losses.filter((name) => name !== undefined))];
}

function upstreamOfApply(graph: SourceGraph): Set<string> {
  return upstream(
    graph,
    [...graph.nodes.values()].filter((node) => APPLY.test(node.op)),
  );
}

/** A loss of unknown shape is asked for its shape; else the first gradient op is named after the op that it belongs to. */
function lossOf(graph: SourceGraph, { scope, ones }: Start): string | undefined {
  const shape = ones.op === "Fill" ? inputNode(graph, ones, 0) : undefined;
  if (shape?.op === "Shape" && shape.inputs[0] !== undefined) return tensorName(shape.inputs[0]);
  for (const reader of graph.readers.get(ones.name)!) {
    const [, name] = /^(.+?)_grad(?:\/|$)/.exec(reader.name.slice(scope.length)) ?? [];
    if (name !== undefined && graph.nodes.has(name)) return name;
  }
  return undefined;
}
