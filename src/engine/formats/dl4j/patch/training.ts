// How a layer trains, where edits say so: a learning rate of its own, and L2 beside that which it has.
import type { Variable } from "../../../graph/model";
import { isArray, isObject, json, JsonNumber, withKey, type Json, type JsonObject } from "../json";
import { isPenalized, layersWithin, parametersOf } from "../parameters";
import { typed, type Typed } from "../typed";
import { asObject } from "./fields";
import { rewrapped, type WrittenLayer } from "./layer";

/** `layer` with the settings that its variables have. `knowsL2`: not before 1.0, where "l2" is a decay behind the updater. */
export function withTraining(
  layer: WrittenLayer,
  name: string,
  variables: ReadonlyMap<string, Variable>,
  knowsL2: boolean,
): WrittenLayer {
  const hyperOf = ({ variable }: { variable: string }) => variables.get(variable)!.hyper;
  const rate = layer.parameters.map(hyperOf).find((hyper) => hyper?.learningRate !== undefined);
  const atRate = within(layer.type, layer.fields, "", (_, fields) =>
    rate === undefined ? fields : atLearningRate(rate.learningRate!, fields),
  );
  const shares = new Map(
    layer.parameters.flatMap((each): [string, number][] => {
      const l2 = hyperOf(each)?.l2 ?? 0;
      return l2 > 0 ? [[each.key, l2]] : [];
    }),
  );
  if (shares.size === 0) return { ...layer, fields: atRate };
  const l2 = new Map<string, number>();
  const fields = within(layer.type, atRate, "", (type, own, prefix) =>
    PENALTIES.reduce((all, penalty) => {
      const keys = keysOf({ type, fields: own, path: [] }, penalty.role).map((key) => prefix + key);
      const [share, ...others] = new Set(keys.map((key) => shares.get(key)));
      if (!knowsL2 || !isPenalized({ type }) || share === undefined || others.length > 0)
        return all;
      for (const key of keys) l2.set(key, share);
      return penalized(all, penalty, share);
    }, own),
  );
  const why = !knowsL2
    ? "before 1.0, Deeplearning4j has a decay of weights behind the updater instead"
    : isPenalized(layer)
      ? `in Deeplearning4j the weights of a layer have one, and ${name} has others`
      : "in Deeplearning4j a batch norm has none";
  const notes = layer.parameters
    .filter(({ key }) => shares.has(key) && !l2.has(key))
    .map(({ variable }) => `The L2 regularization of ${variable} is not written: ${why}.`);
  return { ...layer, fields, l2, notes };
}

type Change = (type: string, fields: JsonObject, prefix: string) => JsonObject;

/** In a wrapper it is the layers within that change. `prefix`: what the keys of their parameters begin with. */
function within(type: string, fields: JsonObject, prefix: string, change: Change): JsonObject {
  const inside = layersWithin(type);
  if (inside.length === 0) return change(type, fields, prefix);
  return inside.reduce((all, [field, more]) => {
    const inner = typed("layer", all.get(field), [])!;
    const changed = within(inner.type, inner.fields, prefix + more, change);
    return withKey(all, field, rewrapped(all.get(field)!, changed));
  }, fields);
}

function atLearningRate(rate: number, fields: JsonObject): JsonObject {
  const updater = asObject(fields.get("iupdater"));
  return updater.has("learningRate")
    ? withKey(fields, "iupdater", withKey(updater, "learningRate", json(rate)))
    : withKey(fields, "learningRate", json(rate));
}

/** Where a layer says the L2 of its weights and of its biases: in a list, or as a number up to 1.0.0-beta3. */
interface Penalty {
  readonly role: "weight" | "bias";
  readonly list: string;
  readonly number: string;
}

const PENALTIES: readonly Penalty[] = [
  { role: "weight", list: "regularization", number: "l2" },
  { role: "bias", list: "regularizationBias", number: "l2Bias" },
];

const keysOf = (layer: Typed, role: Penalty["role"]): readonly string[] =>
  (parametersOf({ ...layer, variables: [] }) ?? [])
    .filter((each) => each.role === role)
    .map(({ name }) => name);

function penalized(fields: JsonObject, { list, number }: Penalty, share: number): JsonObject {
  const items = fields.get(list);
  if (isArray(items)) return withKey(fields, list, [...items, l2Json(share)]);
  return withKey(fields, number, plus(fields.get(number), share));
}

const plus = (value: Json | undefined, share: number): Json =>
  json((value instanceof JsonNumber ? value.value : 0) + share);

const l2Json = (share: number): Json =>
  json({
    "@class": "org.nd4j.linalg.learning.regularization.L2Regularization",
    l2: { "@class": "org.nd4j.linalg.schedule.FixedSchedule", value: share },
  });

/** What stands around a layer: up to 1.0.0-alpha, the shares of each parameter. */
export function confAtL2(conf: JsonObject, { l2 = new Map() }: WrittenLayer): JsonObject {
  const shares = conf.get("l2ByParam");
  if (l2.size === 0 || !isObject(shares)) return conf;
  const more = [...l2].map(([key, share]) => [key, plus(shares.get(key), share)] as const);
  return withKey(conf, "l2ByParam", new Map([...shares, ...more]));
}
