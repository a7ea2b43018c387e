// Remove a layer: what read it reads what it read; or what reads it goes, too.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import { channelsAxis } from "../graph/channels";
import { groupFrom } from "../graph/coupling/group";
import { layerOf } from "../graph/layers";
import { sameShape, type Layer, type Model, type Shape } from "../graph/model";
import { ancestors, consumers } from "../graph/order";
import { formatShape, fromStart } from "../graph/shapes";
import { describeSizes, describeTraining } from "./describe";
import { detached, lossOf, ownVariables } from "./detach";
import type { EditKind } from "./edit";
import { fitting, inputOf, outputOf, placedLayers, refuseShared } from "./place";
import { layerQuestion } from "./questions";
import { regroup } from "./regroup";
import { changed, reading, readersOf } from "./rewire";
import { findLayer, listNames } from "./select";

export const RemoveLayerSchema = z.strictObject({
  layer: z.string().min(1).describe("The layer to take out."),
  connections: z
    .enum(["keep", "remove"])
    .default("keep")
    .describe(
      "keep: what reads the layer reads its input instead; where that has another number of units, the kernels that read it start afresh. remove: everything that depends on the layer goes as well. A sum or a join goes on with its other inputs; where nothing is left of the output, the input of the removed layer becomes the output.",
    ),
});
type Spec = z.infer<typeof RemoveLayerSchema>;

/** Nodes in a row, from what they read to what they hand on. */
interface Span {
  readonly nodes: ReadonlySet<string>;
  readonly input: string;
  readonly output: string;
}

function apply(model: Model, spec: Spec, key: string): Model {
  const layer = findLayer(model, spec.layer);
  outputOf(model, layer);
  if (spec.connections === "keep") return closed(model, spanOf(model, layer), layer.name, key);
  const { output, loss } = model.roles;
  const { gone } = lossOf(model, new Set(layer.nodes));
  if (output === undefined || !gone.has(output)) return pared(model, layer, key);
  const before = [...ancestors(model, [output])].filter((name) => gone.has(name));
  // Its own softmax goes with it, unless the loss is one of probabilities.
  const needed = ancestors(model, loss === undefined ? [] : [loss]);
  const behind = layer.nodes.filter((name) => !needed.has(name));
  const nodes = new Set([...before, ...behind]);
  return closed(model, { nodes, input: inputOf(model, layer), output }, layer.name, key);
}

/** The layer, and the dropout behind it where there is one before it already. */
function spanOf(model: Model, layer: Layer): Span {
  const [input, output] = [inputOf(model, layer), outputOf(model, layer)];
  const above = ancestors(model, [output]);
  // Others may ask how long the sequences are.
  const own = layer.nodes.filter(
    (name) => above.has(name) && model.nodes.get(name)!.op !== "SequenceMask",
  );
  const [reader, ...more] = readersOf(model, output);
  const isSecond = reader?.op === "Dropout" && model.nodes.get(input)!.op === "Dropout";
  if (!isSecond || more.length > 0) return { nodes: new Set(own), input, output };
  return { nodes: new Set([...own, reader.name]), input, output: reader.name };
}

/** The model without the span: what read its output reads its input. */
function closed(model: Model, span: Span, name: string, key: string): Model {
  const { nodes, input, output } = span;
  const resized = withUnitsOf(model, span, name, key);
  const readers = readersOf(resized, output)
    .filter((reader) => !nodes.has(reader.name))
    .map((reader) => reading(reader, output, { node: input }));
  const isOutput = resized.roles.output === output;
  if (isOutput && !hasVariables(resized, input))
    throw new GraftError(
      "invalid-edit",
      `Without ${name} nothing would be left of the network: no layer lies before it.`,
    );
  const roles = isOutput ? { ...resized.roles, output: input } : resized.roles;
  const joined = changed({ ...resized, roles }, { nodes: readers });
  return fitting(
    detached(joined, nodes, name),
    model,
    `Without ${name}, the network does not fit together`,
    `Remove it with what depends on it: "connections": "remove".`,
  );
}

const hasVariables = (model: Model, node: string): boolean =>
  [...ancestors(model, [node])].some((name) =>
    model.nodes.get(name)!.inputs.some((input) => "variable" in input),
  );

/** The model with as many units behind the span as before it: those that read them start afresh. */
function withUnitsOf(model: Model, span: Span, name: string, key: string): Model {
  const [before, behind] = [shapeOf(model, span.input), shapeOf(model, span.output)];
  if (sameShape(before, behind)) return model;
  const axis = channelsAxis(model, span.output);
  if (before.length !== behind.length || before[axis] < 0) {
    const isOutput = model.roles.output === span.output;
    throw new GraftError(
      "invalid-edit",
      isOutput
        ? `Everything behind ${name} would go, and what it reads cannot be the output: its shape is ${formatShape(before)}. Remove a layer behind the flattening, or keep the connections.`
        : `${name} reads ${formatShape(before)} and hands on ${formatShape(behind)}, so nothing that follows can read its input instead.`,
    );
  }
  if (before[axis] === behind[axis]) return model;
  const group = groupFrom(model, { node: span.output, axis }, name);
  refuseShared(
    model,
    group,
    ownVariables(model, span.nodes),
    (others) =>
      `The units of ${name} are those of ${others}, too, and its input has ${before[axis]} of them instead of ${behind[axis]}. Only a layer of as many units as it reads can be removed here.`,
  );
  return regroup(model, group, {
    units: Array<undefined>(before[axis]).fill(undefined),
    makes: "zeros",
    reads: "glorotUniform",
    train: "all",
    key,
  });
}

const shapeOf = (model: Model, node: string): Shape => model.shapes.get(node) ?? [];

/** The model without the layer and what depends on it; joins lose its units, and kernels the rows that read them. */
function pared(model: Model, layer: Layer, key: string): Model {
  const seeds = new Set(layer.nodes);
  const { gone, left } = lossOf(model, seeds);
  const lost = left.flatMap(({ name }) => {
    const join = model.nodes.get(name)!;
    if (join.op !== "Concat") return [];
    const axis = fromStart(join.attributes.axis, shapeOf(model, name).length);
    const parts = join.inputs.flatMap((input) => ("node" in input ? [input.node] : []));
    return [...new Set(parts)].filter((part) => gone.has(part)).map((node) => ({ node, axis }));
  });
  const own = ownVariables(model, gone);
  const without = lost.reduce((before, seed) => {
    const group = groupFrom(before, seed, layer.name);
    refuseShared(
      before,
      group,
      own,
      (others) =>
        `The units of ${layer.name} are those of ${others}, too, which would stay. Remove it with its connections kept.`,
    );
    const none = { units: [], makes: "zeros", reads: "zeros", train: "all", key } as const;
    return fitting(regroup(before, group, none), model, `${layer.name} cannot be removed`, "");
  }, model);
  return fitting(
    detached(without, seeds, layer.name),
    model,
    `Without ${layer.name}, the network does not fit together`,
    "Remove it with its connections kept.",
  );
}

/** Layers that read what `layer` hands on, whatever ops without a layer lie between. */
function readingLayers(model: Model, layer: Layer): string[] {
  const uses = consumers(model);
  const found = new Set<string>();
  const seen = new Set<string>(layer.nodes);
  const open = layer.nodes.flatMap((name) => uses.get(name) ?? []);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const reader = layerOf(model, name);
    if (reader === undefined) open.push(...(uses.get(name) ?? []));
    else found.add(reader.name);
  }
  return [...found];
}

function describe(before: Model, after: Model, spec: Spec): string {
  const names = new Set(after.layers.map(({ name }) => name));
  const gone = before.layers.map(({ name }) => name).filter((name) => !names.has(name));
  const removed = gone.length > 0 ? gone : [spec.layer];
  const sizes = describeSizes(before, after);
  const { output } = after.roles;
  const parts = [
    `${listNames(removed)} ${removed.length === 1 ? "is" : "are"} removed`,
    ...(sizes === ""
      ? []
      : [`${sizes}${spec.connections === "keep" ? ", with fresh numbers" : ""}`]),
    ...(output !== undefined && output !== before.roles.output ? [`${output} is the output`] : []),
    describeTraining(after),
  ];
  return `${parts.join("; ")}.`;
}

export const removeLayer: EditKind<Spec> = {
  effect: () => "changed",
  schema: RemoveLayerSchema.describe(EDIT_COMMANDS.removeLayer.does),
  apply,
  touches: (model, spec) => readingLayers(model, findLayer(model, spec.layer)),
  describe,
  questions: (model, given) => [
    ...layerQuestion(given, "Layer to remove", placedLayers(model)),
    {
      field: "connections",
      ask: "choice",
      prompt: "What becomes of the layers that read it",
      choices: [
        { value: "keep", label: "They stay", detail: "They read what the removed layer read" },
        {
          value: "remove",
          label: "They go, too",
          detail: "Everything that depends on it; the layer before becomes the output",
        },
      ],
    },
  ],
};
