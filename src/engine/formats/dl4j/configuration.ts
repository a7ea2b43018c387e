// configuration.json of a ModelSerializer zip as one plain description: a MultiLayerNetwork is a chain of vertices named
// "0", "1", …, a ComputationGraph has its own. The document is kept beside it, for patching.
import { GraftError } from "../../../protocol/errors";
import {
  damaged,
  isArray,
  isObject,
  parseObject,
  type Json,
  type JsonObject,
  type Path,
} from "./json";
import { inner, type ParameterOwner } from "./parameters";
import { text, typed, typedField, wrongField, type Typed } from "./typed";
import { sorted } from "./topology";

export interface LayerConfiguration extends ParameterOwner {
  /** Its index, or the name of its vertex: what the names of its parameters begin with. */
  readonly name: string;
  /** "layerName" */
  readonly title?: string;
  /** Whether the network minimizes the mean over a mini-batch, and not the sum. */
  readonly minimizesMean: boolean;
  /** Whether its L1 and L2 count: a switch of versions up to 0.9. */
  readonly isRegularized: boolean;
}

export interface Vertex {
  readonly name: string;
  readonly inputs: readonly string[];
  /** The vertex itself, without the FrozenVertex around it; a layer's is a LayerVertex. */
  readonly vertex: Typed;
  /** Whether a FrozenVertex is around it. */
  readonly isFrozen?: boolean;
  readonly layer?: LayerConfiguration;
  /** What is done to the input of a layer. */
  readonly preprocessor?: Typed;
}

export interface Configuration {
  readonly network: "MultiLayerNetwork" | "ComputationGraph";
  readonly document: JsonObject;
  /** Names of what samples are fed to. */
  readonly inputs: readonly string[];
  /** Names of the vertices that are compared with labels. */
  readonly outputs: readonly string[];
  /** In the order in which DL4J runs them, and in which the flat vector has their parameters. */
  readonly vertices: readonly Vertex[];
}

/** The input of a MultiLayerNetwork, which has no name of its own. */
export const INPUT = "input";

/** `file` is for messages. Throws `corrupt-file`, `unsupported-format`. */
export function parseConfiguration(file: string, text: string): Configuration {
  const document = parseObject(file, text);
  if (document.has("confs")) return chain(file, document);
  if (document.has("vertices")) return graph(file, document);
  throw new GraftError(
    "unsupported-format",
    `The configuration of ${file} is of no MultiLayerNetwork (no "confs") and of no ComputationGraph (no "vertices").`,
  );
}

export const layersOf = ({ vertices }: Configuration): readonly LayerConfiguration[] =>
  vertices.flatMap(({ layer }) => layer ?? []);

/** What stands around the layer of a vertex. */
export const confOf = ({ vertex: { fields } }: Vertex): JsonObject =>
  (fields.get("layerConf") ?? fields) as JsonObject;

/** Wrappers, and the field that holds the layer around which they are. */
const WRAPPERS: Readonly<Record<string, string>> = {
  FrozenLayer: "layer",
  FrozenLayerWithBackprop: "underlying",
};

/** Whether DL4J leaves the parameters of a layer as they are. */
export const isFrozenLayer = (layer: Typed): boolean => Object.hasOwn(WRAPPERS, layer.type);

/** The layer without what freezes it. */
export function thawed<Layer extends Typed>(layer: Layer): Layer {
  const field = isFrozenLayer(layer) ? WRAPPERS[layer.type] : undefined;
  return field === undefined ? layer : thawed({ ...layer, ...inner(layer, field) });
}

function chain(file: string, document: JsonObject): Configuration {
  const confs = document.get("confs");
  if (!isArray(confs) || confs.length === 0) throw damaged(file, `"confs" is no list of layers`);
  const processors = document.get("inputPreProcessors") ?? null;
  const vertices = confs.map((conf, index): Vertex => {
    const path = ["confs", index];
    const layer = layerOf(file, conf, path, String(index));
    const steps: Path = ["inputPreProcessors", String(index)];
    const preprocessor = isObject(processors)
      ? typed("preprocessor", processors.get(String(index)), steps)
      : undefined;
    return {
      name: String(index),
      inputs: [index === 0 ? INPUT : String(index - 1)],
      vertex: { type: "LayerVertex", fields: conf as JsonObject, path },
      layer,
      ...(preprocessor && { preprocessor }),
    };
  });
  return {
    network: "MultiLayerNetwork",
    document,
    inputs: [INPUT],
    outputs: [String(confs.length - 1)],
    vertices,
  };
}

function graph(file: string, document: JsonObject): Configuration {
  const inputs = names(file, document, "networkInputs");
  const outputs = names(file, document, "networkOutputs");
  for (const each of [inputs, outputs]) {
    const seen = new Set<string>();
    for (const name of each) {
      if (seen.has(name)) throw damaged(file, `"${name}" is an input or an output twice`);
      seen.add(name);
    }
  }
  const all = document.get("vertices");
  const edges = document.get("vertexInputs");
  if (!isObject(all) || !isObject(edges))
    throw damaged(file, `"vertices" and "vertexInputs" must be objects`);
  const vertices = [...all].map(([name, value]): Vertex => {
    const whole = typed("vertex", value, ["vertices", name]);
    const vertex = withoutFrozen(whole);
    if (vertex === undefined) throw damaged(file, `vertex "${name}" does not say what it is`);
    const from = names(file, edges, name);
    if (from.length === 0) throw damaged(file, `vertex "${name}" takes nothing`);
    if (vertex.type !== "LayerVertex")
      return { name, inputs: from, vertex, isFrozen: vertex !== whole };
    const conf = vertex.fields.get("layerConf");
    const preprocessor = typedField("preprocessor", vertex, "preProcessor");
    const layer = layerOf(file, conf, [...vertex.path, "layerConf"], name);
    return { name, inputs: from, vertex, layer, ...(preprocessor && { preprocessor }) };
  });
  const known = new Set([...inputs, ...all.keys()]);
  for (const { name, inputs: from } of vertices)
    for (const each of from)
      if (!known.has(each))
        throw damaged(file, `vertex "${name}" takes "${each}", which there is not`);
  for (const name of outputs)
    if (!all.has(name)) throw damaged(file, `output "${name}" is no vertex`);
  const byName = new Map(vertices.map((vertex) => [vertex.name, vertex]));
  const order = sorted(file, inputs, vertices, names(file, document, "topologicalOrderStr", []));
  return {
    network: "ComputationGraph",
    document,
    inputs,
    outputs,
    vertices: order.map((name) => byName.get(name)!),
  };
}

/** The vertex in a FrozenVertex, which changes nothing but what trains; its layer is frozen by itself. */
function withoutFrozen(vertex: Typed | undefined): Typed | undefined {
  if (vertex?.type !== "FrozenVertex") return vertex;
  return withoutFrozen(typedField("vertex", vertex, "underlying"));
}

function layerOf(
  file: string,
  conf: Json | undefined,
  path: Path,
  name: string,
): LayerConfiguration {
  const layer = isObject(conf) ? typed("layer", conf.get("layer"), [...path, "layer"]) : undefined;
  if (layer === undefined) throw damaged(file, `layer ${name} does not say what it is`);
  const variables = names(file, conf as JsonObject, "variables", []);
  const title = text(thawed(layer), "layerName") ?? text(layer, "layerName");
  const minimizesMean = (conf as JsonObject).get("miniBatch") !== false;
  const isRegularized = (conf as JsonObject).get("useRegularization") !== false;
  return {
    ...{ ...layer, name, variables, minimizesMean, isRegularized },
    ...(title !== undefined && { title }),
  };
}

function names(
  file: string,
  object: JsonObject,
  key: string,
  otherwise?: readonly string[],
): readonly string[] {
  const value = object.get(key) ?? null;
  if (value === null && otherwise !== undefined) return otherwise;
  if (isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw wrongField({ type: "configuration", fields: object, path: [file] }, key, "a list of names");
}
