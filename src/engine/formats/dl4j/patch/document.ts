// The new configuration: the source's document with other layers or vertices in it.
import { confOf, type Configuration } from "../configuration";
import { isObject, json, withKey, type Json, type JsonObject } from "../json";
import { withFields, object, type Style } from "./fields";
import type { Frozen } from "./freezing";
import { notSaid } from "./groups";
import type { Written } from "./layer";
import { confFor } from "./newlayer";
import { templateOf, type Part } from "./parts";
import { confAtL2 } from "./training";

export interface Document {
  readonly root: JsonObject;
  /** By the name of their vertex. */
  readonly parts: ReadonlyMap<string, Part>;
}

export interface Assembly {
  readonly configuration: Configuration;
  readonly style: Style;
  readonly parts: readonly Part[];
  readonly frozen: Frozen;
}

export const documentOf = (assembly: Assembly): Document =>
  assembly.configuration.network === "MultiLayerNetwork" ? chain(assembly) : graph(assembly);

/** What stands around the layer of a part. */
function partConf({ configuration, frozen: { layerJson } }: Assembly, part: Part): JsonObject {
  const conf = confOf(part.source ?? templateOf(configuration));
  if (part.source) return confAtL2(withKey(conf, "layer", layerJson(part)), part.layer!);
  const keys = part.layer!.parameters.map(({ key }: Written) => key);
  return confAtL2(confFor(conf, layerJson(part), variableOrder(keys)), part.layer!);
}

/** The bias is the last one in the list, wherever its numbers are. */
const variableOrder = (keys: readonly string[]): string[] => [
  ...keys.filter((key) => key !== "b"),
  ...keys.filter((key) => key === "b"),
];

function chain(assembly: Assembly): Document {
  const { configuration, parts } = assembly;
  let before: Part | string = configuration.inputs[0];
  for (const part of parts) {
    if (part.inputs.length !== 1 || part.inputs[0] !== before)
      throw notSaid(
        part.name,
        `a MultiLayerNetwork is a chain, and ${part.name} does not read the layer before it`,
      );
    before = part;
  }
  const processors = parts.flatMap(({ preprocessor }, index) =>
    preprocessor === undefined ? [] : [[String(index), preprocessor] as const],
  );
  const root = withFields(configuration.document, {
    confs: parts.map((part) => partConf(assembly, part)),
    inputPreProcessors: new Map(processors),
  });
  return { root, parts: new Map(parts.map((part, index) => [String(index), part])) };
}

function graph(assembly: Assembly): Document {
  const { configuration, parts } = assembly;
  const names = namesOf(configuration, parts);
  const nameOf = (input: Part | string): string =>
    typeof input === "string" ? input : names.get(input)!;
  const vertices = new Map(parts.map((part) => [nameOf(part), vertexJson(assembly, part)]));
  const edges = new Map(parts.map((part) => [nameOf(part), part.inputs.map(nameOf)]));
  const { document, inputs } = configuration;
  const order = [...inputs, ...vertices.keys()];
  const root = withFields(document, {
    networkOutputs: outputsOf(assembly).map(nameOf),
    vertexInputs: edges,
    vertices,
    ...(document.has("topologicalOrder") && {
      topologicalOrder: json(order.map((_, index) => index)),
      topologicalOrderStr: order,
    }),
    ...defaultsOf(document, parts, nameOf),
  });
  return { root, parts: new Map(parts.map((part) => [nameOf(part), part])) };
}

/** A vertex keeps its name, unless an edit gave its layer another. */
function namesOf({ inputs }: Configuration, parts: readonly Part[]): ReadonlyMap<Part, string> {
  const taken = new Set(inputs);
  const names = new Map<Part, string>();
  for (const part of parts) {
    let name = part.name;
    for (let count = 1; taken.has(name); count++) name = `${part.name}_${count}`;
    taken.add(name);
    names.set(part, name);
  }
  return names;
}

function vertexJson(assembly: Assembly, part: Part): Json {
  const { configuration, style, frozen } = assembly;
  const { source } = part;
  const whole = (configuration.document.get("vertices") as JsonObject).get(source?.name ?? "");
  if (part.layer === undefined) return frozen.vertexJson(part, part.vertex ?? whole!);
  const changes = {
    layerConf: partConf(assembly, part),
    preProcessor: part.preprocessor ?? null,
  };
  if (source === undefined)
    return object(style, "vertex", "LayerVertex", new Map(Object.entries(changes)));
  const fields = withFields(source.vertex.fields, changes);
  return fields.has("@class") || !isObject(whole)
    ? fields
    : new Map([[[...whole.keys()][0], fields]]);
}

/** What nothing reads: the outputs that are still there, in their order, and new ones. */
function outputsOf({ configuration, parts }: Assembly): readonly Part[] {
  const read = new Set(parts.flatMap(({ inputs }) => inputs));
  const ends = parts.filter((part) => !read.has(part));
  const order = (part: Part): number => configuration.outputs.indexOf(part.source?.name ?? "");
  const kept = ends.filter((part) => order(part) >= 0).toSorted((a, b) => order(a) - order(b));
  const added = ends.filter((part) => order(part) < 0);
  return [...kept, ...added];
}

/** The names of all parameters, where the network's own settings list them: up to 0.6 they do not. */
function defaultsOf(
  document: JsonObject,
  parts: readonly Part[],
  nameOf: (part: Part) => string,
): Record<string, Json> {
  const defaults = document.get("defaultConfiguration");
  if (!isObject(defaults)) return {};
  const was = defaults.get("variables");
  if (!Array.isArray(was) || was.length === 0) return {};
  const variables = parts.flatMap((part) =>
    variableOrder((part.layer?.parameters ?? []).map(({ key }) => key)).map(
      (key) => `${nameOf(part)}_${key}`,
    ),
  );
  return { defaultConfiguration: withKey(defaults, "variables", variables) };
}
