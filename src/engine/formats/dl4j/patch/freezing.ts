// What freezes a layer or a vertex: DL4J wraps it. A layer that is frozen above others that train lets their gradient
// through. Any other hands on no gradient, so what it alone reads must be frozen, too: DL4J waits for a gradient there.
import { isFrozen, type Model, type Variable } from "../../../graph/model";
import { isFrozenLayer } from "../configuration";
import { isArray, json as jsonOf, withKey, type Json, type JsonObject } from "../json";
import { shortOfClass } from "../names";
import { isOutputLayer } from "../layers/table";
import { rawOf } from "../typed";
import { object, type Style } from "./fields";
import { notSaid } from "./groups";
import { rewrapped, type WrittenLayer } from "./layer";
import type { Part } from "./parts";
import type { Version } from "./versions";

const INNER = { FrozenLayer: "layer", FrozenLayerWithBackprop: "underlying" } as const;

export interface Frozen {
  /** The layer of a part, in what freezes it. */
  readonly layerJson: (part: Part) => Json;
  /** A vertex that is no layer, in what freezes it. */
  readonly vertexJson: (part: Part, vertex: Json) => Json;
  readonly notes: readonly string[];
}

/** `version`: that of the network which was edited. */
export function freezing(
  style: Style,
  version: Version,
  parts: readonly Part[],
  after: Model,
): Frozen {
  const weights = new Map(parts.map((part) => [part, weightsOf(part, after)]));
  const isHeld = (part: Part) =>
    weights.get(part)!.length > 0 && weights.get(part)!.every(isFrozen);
  const trains = (part: Part) => weights.get(part)!.some((each) => !isFrozen(each));
  const isAnyHeld = parts.some(isHeld);
  /** Parts behind one that trains: each part is behind those that it reads. */
  const behindTraining = new Set<Part>();
  for (const part of parts)
    if (
      part.inputs.some(
        (input) => typeof input !== "string" && (trains(input) || behindTraining.has(input)),
      )
    )
      behindTraining.add(part);
  const readers = readersOf(parts);
  const wasFrozen = ({ source, layer }: Part): boolean =>
    layer === undefined
      ? source?.isFrozen === true
      : source?.layer !== undefined && isFrozenLayer(source.layer);
  /** Parts at which the gradient ends. */
  const ends = new Set<Part>();
  const isWanted = (part: Part): boolean =>
    weights.get(part)!.length > 0
      ? isHeld(part)
      : (wasFrozen(part) && isAnyHeld) || isReadByAll(readers.get(part)!, ends);
  if (version === "0.9")
    for (const part of parts.toReversed()) {
      const passes = behindTraining.has(part) || isOutput(part);
      if (!passes && isWanted(part)) ends.add(part);
    }
  const unfrozen: string[] = [];
  const unpenalized: string[] = [];
  const layerJson = (part: Part): Json => {
    const layer = part.layer!;
    const wanted = isWanted(part);
    if (wanted && version !== "0.9") unfrozen.push(part.name);
    if (!wanted || version !== "0.9") return innerJson(style, layer);
    if (ends.has(part)) return wrapped(style, part, "FrozenLayer", innerJson(style, layer));
    const fields = withoutPenalty(layer.fields);
    if (fields !== layer.fields)
      unpenalized.push(
        `The L1 and L2 regularization of ${part.name} is left out: Deeplearning4j applies it to frozen layers too where they lie above layers that train.`,
      );
    return wrapped(style, part, "FrozenLayerWithBackprop", innerJson(style, { ...layer, fields }));
  };
  // Versions in the other style have no frozen vertices, and end at the first layer that is frozen.
  const vertexJson = (part: Part, vertex: Json): Json => {
    if (style === "wrapper" || ends.has(part) === (part.source?.isFrozen === true)) return vertex;
    return ends.has(part)
      ? object(style, "vertex", "FrozenVertex", new Map([["underlying", vertex]]))
      : part.source!.vertex.fields;
  };
  const partly = parts
    .filter((part) => trains(part) && weights.get(part)!.some((each) => !isWhole(each)))
    .map(
      ({ name }) =>
        `Only a part of ${name} trains. Deeplearning4j freezes whole layers, so it would train all of it.`,
    );
  const json = new Map(parts.filter(({ layer }) => layer).map((part) => [part, layerJson(part)]));
  const unsaid =
    unfrozen.length === 0
      ? []
      : [
          `${unfrozen.join(", ")} will train: this zip is of a Deeplearning4j before 0.9, which does not save what is frozen. Freeze again after loading it.`,
        ];
  return {
    layerJson: (part) => json.get(part)!,
    vertexJson,
    notes: [...partly, ...unsaid, ...unpenalized],
  };
}

function readersOf(parts: readonly Part[]): ReadonlyMap<Part, readonly Part[]> {
  const readers = new Map(parts.map((part) => [part, [] as Part[]]));
  for (const part of parts)
    for (const input of part.inputs) if (typeof input !== "string") readers.get(input)?.push(part);
  return readers;
}

const isReadByAll = (readers: readonly Part[], among: ReadonlySet<Part>): boolean =>
  readers.length > 0 && readers.every((reader) => among.has(reader));

const isOutput = ({ layer }: Part): boolean =>
  layer !== undefined && isOutputLayer({ ...layer, path: [] });

/** Penalties that DL4J would go on applying. */
function withoutPenalty(fields: JsonObject): JsonObject {
  const keys = ["regularization", "regularizationBias"];
  return keys
    .filter((key) => isArray(fields.get(key)) && (fields.get(key) as readonly Json[]).length > 0)
    .reduce((all, key) => withKey(all, key, []), fields);
}

const isWhole = ({ trainable, shape }: Variable): boolean =>
  trainable.length === 1 && trainable[0].size.join() === shape.join();

const weightsOf = ({ layer }: Part, after: Model): readonly Variable[] =>
  (layer?.parameters ?? [])
    .map(({ variable }) => after.variables.get(variable)!)
    .filter(({ role }) => role === "weight");

const innerJson = (style: Style, { type, fields }: WrittenLayer): Json =>
  style === "class" ? fields : new Map([[shortOfClass("layer", type), fields]]);

function wrapped(style: Style, part: Part, type: keyof typeof INNER, inner: Json): Json {
  const before = part.source?.layer;
  if (before?.type === type)
    return rewrapped(rawOf(before), withKey(before.fields, INNER[type], inner));
  if (style === "wrapper" && type === "FrozenLayerWithBackprop")
    throw notSaid(
      part.name,
      "it is frozen and layers before it train, which this version of Deeplearning4j does not know",
    );
  const fields = jsonOf({
    constraints: null,
    gradientNormalization: "None",
    gradientNormalizationThreshold: 1,
    idropout: null,
    layerName: part.name,
  }) as JsonObject;
  return object(style, "layer", type, withKey(fields, INNER[type], inner));
}
