// The last step of a sequence in a MultiLayerNetwork: not a layer of its own, but what stands around a recurrent one.
import { object, type Style } from "./fields";
import { notSaid } from "./groups";
import type { WrittenLayer } from "./layer";
import type { Part } from "./parts";

/** Layers that a LastTimeStep of 1.0.0-M2.1 takes the last step of. */
const WRAPPED: ReadonlySet<string> = new Set([
  ...["LSTM", "GravesLSTM", "GravesBidirectionalLSTM", "SimpleRnn", "Bidirectional"],
]);

/** `parts` with each vertex that takes a last step around the layer before it. Throws `invalid-edit` where that has no steps. */
export function lastStepsWrapped(style: Style, parts: readonly Part[]): readonly Part[] {
  const known = new Map<Part, Part>();
  const all: Part[] = [];
  for (const part of parts) {
    const inputs = part.inputs.map((each) => (typeof each === "string" ? each : known.get(each)!));
    const [before] = inputs;
    if (!part.takesLastStep) {
      known.set(part, { ...part, inputs });
      all.push(known.get(part)!);
      continue;
    }
    if (typeof before === "string" || !WRAPPED.has(before.layer?.type ?? ""))
      throw notSaid(
        part.name,
        `a MultiLayerNetwork takes the last step of recurrent layers alone, and ${typeof before === "string" ? before : before.name} is none. Take it right behind the last LSTM, and put other layers behind that`,
      );
    if (style === "wrapper")
      throw notSaid(
        part.name,
        'versions before 1.0.0-beta have no layer for the last step. Classify every step ("head": "dense"), or save the zip with a later version before',
      );
    const wrapped = {
      ...before,
      layer: wrapper(style, before.layer!),
      output: part.output,
    };
    all.splice(all.indexOf(before), 1, wrapped);
    known.set(part, wrapped);
  }
  return all;
}

function wrapper(style: Style, layer: WrittenLayer): WrittenLayer {
  const layerName = layer.fields.get("layerName") ?? null;
  const fields = new Map([
    ["layerName", layerName],
    ["underlying", layer.fields],
  ]);
  return {
    ...layer,
    type: "LastTimeStep",
    fields: object(style, "layer", "LastTimeStep", fields) as WrittenLayer["fields"],
  };
}
