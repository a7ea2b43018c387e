// The last step of a sequence in a MultiLayerNetwork: not a layer of its own, but what stands around a recurrent one.
import type { Model, Node, Ref } from "../../../graph/model";
import { dependencyOrder } from "../../../graph/order";
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
      takesLastStep: true,
    };
    all.splice(all.indexOf(before), 1, wrapped);
    known.set(part, wrapped);
  }
  return all;
}

/**
 * `model` as Deeplearning4j runs it from these `parts`: what a LastTimeStep is put around begins anew behind a step that is
 * padding. Where padding comes last, that changes no last step.
 */
export function withStateMasks(model: Model, parts: readonly Part[]): Model {
  const nodes = new Map(model.nodes);
  for (const { layer, takesLastStep, output } of parts) {
    const [sequence, mask] = layer && takesLastStep ? model.nodes.get(output)!.inputs : [];
    if (sequence !== undefined && mask !== undefined) maskStates(nodes, sequence, mask, false);
  }
  const order = dependencyOrder(nodes.keys(), (name) =>
    nodes.get(name)!.inputs.flatMap((input) => ("node" in input ? [input.node] : [])),
  );
  return { ...model, nodes: new Map(order.map((name) => [name, nodes.get(name)!])) };
}

/** The recurrent layers that yield `sequence`: one, or two of which one runs back in time. */
function maskStates(nodes: Map<string, Node>, sequence: Ref, mask: Ref, isBack: boolean): void {
  const node = "node" in sequence ? nodes.get(sequence.node)! : undefined;
  if (node?.op !== "LSTM") {
    for (const input of node?.op === "Opaque" ? [] : (node?.inputs ?? []))
      maskStates(nodes, input, mask, isBack !== (node?.op === "Reverse"));
    return;
  }
  const { inputs, attributes } = node;
  if (attributes.takes.includes("mask")) return;
  const turned = `${node.name}/mask`;
  if (isBack)
    nodes.set(turned, {
      ...{ name: turned, op: "Reverse", inputs: [mask], origin: [] },
      attributes: { axis: 1, batchAxis: 0 },
    });
  nodes.set(node.name, {
    ...node,
    inputs: [...inputs, isBack ? { node: turned } : mask],
    attributes: { ...attributes, takes: [...attributes.takes, "mask"] },
  });
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
