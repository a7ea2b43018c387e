// The parts of an edited network that become vertices of a configuration: the nodes of a vertex that was there, those of
// a new layer, or those of a preprocessor between layers.
import { GraftError } from "../../../../protocol/errors";
import type { Layer, Model, Node } from "../../../graph/model";
import { descendants, consumers } from "../../../graph/order";
import type { Configuration, Vertex } from "../configuration";
import { preprocessorOrigin } from "../import";
import { isActivation } from "./fields";

export interface Group {
  /** For messages: the layer's name, or the vertex'. */
  readonly name: string;
  /** The vertex that it was. */
  readonly vertex?: Vertex;
  /** The preprocessor of which vertex it was. */
  readonly preprocessorOf?: Vertex;
  /** The layer of the model, of a layer's vertex. */
  readonly layer?: Layer;
  /** In order. */
  readonly nodes: readonly Node[];
  /** Nodes of other groups that it reads, each once, in the order of its nodes and of their inputs. */
  readonly reads: readonly string[];
  /** The node that it hands on. */
  readonly output: string;
  /** Whether another group reads it. */
  readonly isRead: boolean;
}

/** Layers that are nothing but an activation function or a dropout. */
const BARE = new Set(["ActivationLayer", "LossLayer", "RnnLossLayer", "DropoutLayer"]);

interface Draft {
  readonly name: string;
  readonly vertex?: Vertex;
  readonly preprocessorOf?: Vertex;
  readonly layer?: Layer;
  readonly nodes: Node[];
}

/** The groups of `model`, each behind those that it reads. Throws `invalid-edit` for nodes that belong to none. */
export function groupsOf(configuration: Configuration, model: Model): readonly Group[] {
  const drafts = draftsOf(configuration, model);
  const ofNode = new Map<string, Draft>();
  for (const draft of drafts) for (const { name } of draft.nodes) ofNode.set(name, draft);
  const uses = consumers(model);
  const inputs = new Set(configuration.inputs);
  return drafts.map(({ nodes, ...draft }): Group => {
    const own = new Set(nodes.map(({ name }) => name));
    const read = nodes
      .flatMap((node) => node.inputs)
      .flatMap((input) => ("node" in input ? [input.node] : []))
      .filter((name) => !own.has(name) && (ofNode.has(name) || inputs.has(origin(model, name))));
    const handedOn = nodes.filter(({ name }) =>
      uses.get(name)!.some((reader) => ofNode.has(reader) && !own.has(reader)),
    );
    if (handedOn.length > 1) throw notSaid(draft.name, "more than one of its nodes is read");
    const output = (handedOn[0] ?? nodes.at(-1)!).name;
    return { ...draft, nodes, reads: [...new Set(read)], output, isRead: handedOn.length > 0 };
  });
}

/** The vertex that an op was lifted from; of an input its own name. */
const origin = ({ nodes }: Model, name: string): string => {
  const node = nodes.get(name)!;
  return node.op === "Placeholder" && node.attributes.value === undefined
    ? (node.origin[0] ?? "")
    : "";
};

function draftsOf(configuration: Configuration, model: Model): readonly Draft[] {
  const vertices = new Map(configuration.vertices.map((each) => [each.name, each]));
  const preprocessors = new Map(
    configuration.vertices.map((each) => [preprocessorOrigin(each.name), each]),
  );
  const fromInput = descendants(
    model,
    configuration.inputs.flatMap((name) =>
      [...model.nodes.values()].filter((node) => node.origin[0] === name).map((node) => node.name),
    ),
  );
  const fromLabels = descendants(
    model,
    [...model.nodes.values()]
      .filter((node) => node.op === "Placeholder" && !configuration.inputs.includes(node.origin[0]))
      .map(({ name }) => name),
  );
  const layers = new Map(model.layers.flatMap((layer) => layer.nodes.map((node) => [node, layer])));
  const drafts = new Map<string, Draft>();
  const ofNode = new Map<string, Draft>();
  for (const node of model.nodes.values()) {
    const draft = draftFor(node);
    if (draft === undefined) continue;
    draft.nodes.push(node);
    ofNode.set(node.name, draft);
  }
  return ordered([...drafts.values()], ofNode);

  function draftFor(node: Node): Draft | undefined {
    const [from] = node.origin;
    const layer = layers.get(node.name);
    const vertex = from === undefined ? vertexOf(layer) : vertices.get(from);
    const read = node.inputs.flatMap((input) =>
      "node" in input ? (ofNode.get(input.node) ?? []) : [],
    );
    const isBare = vertex !== undefined && (!vertex.layer || BARE.has(vertex.layer.type));
    // Another layer may have come between a layer and the activation function that was its own.
    if (isActivation(node) && !isBare && read.length === 1) {
      const isOwn = vertex !== undefined || layer === undefined;
      const [producer] = read;
      if (isOwn && producer.layer !== undefined && producer.vertex !== vertex) return producer;
    }
    if (vertex !== undefined) return draft(vertex.name, { vertex, ...ofLayer(vertex, layer) });
    const before = from === undefined ? undefined : preprocessors.get(from);
    if (before !== undefined) return draft(from, { name: before.name, preprocessorOf: before });
    if (from !== undefined) return undefined;
    // What is a layer here may be a vertex and a layer there.
    if (node.op === "LastStep" && layer !== undefined && layer.nodes.length > 1)
      return draft(`new ${node.name}`, { name: `${layer.name}_lastStep` });
    if (layer !== undefined) return draft(`new ${layer.name}`, { name: layer.name, layer });
    if (fromLabels.has(node.name) || !fromInput.has(node.name)) return undefined;
    throw notSaid(node.name, `it is a ${node.op} of no layer`);
  }

  function draft(key: string, rest: Omit<Draft, "nodes">): Draft {
    const known = drafts.get(key) ?? { ...rest, nodes: [] };
    drafts.set(key, known);
    return known;
  }

  /** The vertex that a new node is part of, because the other nodes of its layer are. */
  function vertexOf(layer: Layer | undefined): Vertex | undefined {
    const origins = (layer?.nodes ?? []).flatMap((name) => model.nodes.get(name)!.origin);
    return origins.length === 0 ? undefined : vertices.get(origins[0]);
  }

  function ofLayer(vertex: Vertex, layer: Layer | undefined) {
    const found =
      layer ??
      model.layers.find(({ nodes }) =>
        nodes.some((name) => model.nodes.get(name)!.origin[0] === vertex.name),
      );
    return { name: found?.name ?? vertex.name, ...(found && { layer: found }) };
  }
}

/** Each group behind those that it reads. */
function ordered(drafts: readonly Draft[], ofNode: ReadonlyMap<string, Draft>): readonly Draft[] {
  const done = new Set<Draft>();
  const sorted: Draft[] = [];
  const visit = (draft: Draft, path: ReadonlySet<Draft>): void => {
    if (done.has(draft)) return;
    if (path.has(draft)) throw notSaid(draft.name, "it reads what it hands on");
    for (const node of draft.nodes)
      for (const input of node.inputs) {
        const from = "node" in input ? ofNode.get(input.node) : undefined;
        if (from !== undefined && from !== draft) visit(from, new Set([...path, draft]));
      }
    done.add(draft);
    sorted.push(draft);
  };
  for (const draft of drafts) visit(draft, new Set());
  return sorted;
}

/** What a Deeplearning4j configuration has no words for. */
export const notSaid = (name: string, why: string): GraftError =>
  new GraftError(
    "invalid-edit",
    `${name} cannot be written into a Deeplearning4j configuration: ${why}. Do without it, or choose another format.`,
  );
