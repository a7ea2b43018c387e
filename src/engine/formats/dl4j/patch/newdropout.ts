// New dropout of sequences. Deeplearning4j's dropout layer fails at them where there is a mask; the layer that reads it can
// have the dropout on its input instead.
import { isFrozen, type Model } from "../../../graph/model";
import { isObject, JsonNumber, withKey } from "../json";
import { dropoutJson } from "./fields";
import type { WrittenLayer } from "./layer";

/** Layers that apply the dropout on their input. */
const TAKES_DROPOUT: ReadonlySet<string> = new Set([
  ...["DenseLayer", "OutputLayer", "RnnOutputLayer"],
  ...["LSTM", "GravesLSTM", "GravesBidirectionalLSTM"],
]);

/** The rate of a new dropout layer that is of sequences. */
export function sequenceDropout(
  { nodes, shapes }: Model,
  { type, output }: WrittenLayer,
): number | undefined {
  const node = nodes.get(output ?? "");
  const isOfSequences =
    type === "DropoutLayer" && node?.op === "Dropout" && shapes.get(node.name)?.length === 3;
  return isOfSequences && "rate" in node.attributes ? node.attributes.rate : undefined;
}

/** Whether a layer can have a dropout on its input: it has none, and is not frozen, as what is frozen drops nothing. */
export function canDrop({ variables }: Model, { type, fields, parameters }: WrittenLayer): boolean {
  const kept = fields.get("dropOut");
  const hasOwn =
    isObject(fields.get("idropout")) ||
    (kept instanceof JsonNumber && kept.value > 0 && kept.value < 1);
  const trains = parameters.some(({ variable }) => !isFrozen(variables.get(variable)!));
  return TAKES_DROPOUT.has(type) && trains && !hasOwn;
}

/** The layer with dropout on its input. */
export function withInputDropout(layer: WrittenLayer, rate: number | undefined): WrittenLayer {
  if (rate === undefined) return layer;
  const [key, value] = dropoutJson(layer.fields, rate);
  return { ...layer, fields: withKey(layer.fields, key, value) };
}

export const paddingNote = (name: string): string =>
  `${name} becomes a DropoutLayer of Deeplearning4j, which sets steps that are padding to 0. Here they stay as they are.`;
