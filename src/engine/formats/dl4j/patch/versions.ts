// Which version of Deeplearning4j wrote a zip. It does not say, but the fields of its layers do; what that version does not
// know is not written, for it could not load the result.
import type { JsonObject } from "../json";
import { notSaid } from "./groups";

/** The oldest version that can have written a network: activation functions as strings, as objects, updaters as objects. */
export type Version = "0.5" | "0.7" | "0.9";

/** `layers`: the fields of the network's layers, or of one that trains. */
export function versionOf(layers: readonly JsonObject[]): Version {
  if (layers.some((fields) => typeof fields.get("activationFunction") === "string")) return "0.5";
  return layers.some((fields) => fields.has("iupdater") || fields.has("@class")) ? "0.9" : "0.7";
}

/** Layers that 0.7 and 0.8 have. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["ActivationLayer", "BatchNormalization", "ConvolutionLayer", "DenseLayer", "EmbeddingLayer"],
  ...["GravesLSTM", "LossLayer", "OutputLayer", "RnnOutputLayer", "SubsamplingLayer"],
]);

/** Throws `invalid-edit` where a new layer of this type cannot be written. `template`: the fields of a layer that is there. */
export function checkKnown(name: string, type: string, template: JsonObject): void {
  const version = versionOf([template]);
  const isKnown = version === "0.9" || (version === "0.7" && KNOWN.has(type));
  if (isKnown) return;
  const what =
    version === "0.5"
      ? "the zip is of a version before 0.7, in which layers are written otherwise"
      : `the zip is of a version before 0.9, which has no ${type}`;
  const instead =
    type === "LSTM" && version === "0.7" ? ` ("peepholes": true makes a GravesLSTM)` : "";
  throw notSaid(
    name,
    `${what}${instead}; a zip that Deeplearning4j 0.9 loaded and saved again takes it`,
  );
}
