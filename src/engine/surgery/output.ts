// The output that an edit is about: finding it, what its units couple, and what to do where they are no classes.
import { GraftError } from "../../protocol/errors";
import { channelsAxis } from "../graph/channels";
import { groupFrom, type UnitGroup } from "../graph/coupling/group";
import { layerOf } from "../graph/layers";
import type { Model, Shape } from "../graph/model";
import { focusedRoles, knownLosses, logitsBefore } from "../graph/roles";
import { formatShape } from "../graph/shapes";
import { listNames } from "./select";
import { layersOf } from "./unitLayers";

/** The op that a layer's or an op's name stands for. Throws `unknown-node`. */
export function namedNode(model: Model, name: string): string {
  const layer = model.layers.find((each) => each.name === name)?.output;
  const node = layer ?? (model.nodes.has(name) ? name : model.aliases.get(name));
  if (node !== undefined && model.nodes.has(node)) return node;
  throw new GraftError(
    "unknown-node",
    `There is no layer or op ${name}. The layers are ${listNames(model.layers.map((each) => each.name))}.`,
  );
}

/** The model with the output that `name`, a layer or an op, leads to, and its own part of the loss. */
export function focusedOn(model: Model, name: string | undefined): Model {
  if (name === undefined) return model;
  const node = namedNode(model, name);
  const logits = logitsBefore(model, node);
  const losses = knownLosses(model.roles);
  const candidates = [logits, node].map((output) => focusedRoles(model, losses, output));
  const roles = candidates.find(({ loss }) => loss !== undefined) ?? candidates[0];
  return { ...model, roles };
}

/** The output. Throws where the graph has none, or several. */
export function outputOf({ roles: { output, ambiguous } }: Model): string {
  if (output !== undefined) return output;
  throw new GraftError(
    ambiguous ? "ambiguous-graph" : "no-graph",
    ambiguous
      ? `The network has several candidates for its ${ambiguous.role}: ${ambiguous.candidates.join(", ")}. Choose one with "graph": { "${ambiguous.role}": … }${ambiguous.role === "output" ? ', or with "output" in replaceOutput' : ""}.`
      : `The checkpoint has no graph, so its output is not known. Put the .meta file that was saved with it beside it.`,
  );
}

/** The outputs to choose from, where there are several. */
export const outputCandidates = ({ roles: { ambiguous } }: Model): readonly string[] =>
  ambiguous?.role === "output" ? ambiguous.candidates : [];

export const HEADS = {
  dense: {
    label: "A dense layer behind it",
    detail: "The network as it is gives the features that a new output reads",
  },
  pooling: {
    label: "Global average pooling and a dense layer behind it",
    detail: "The mean of every channel of the feature map is what a new output reads",
  },
  lastStep: {
    label: "The last step and a dense layer behind it",
    detail: "What the network yields at the end of a sequence is what a new output reads",
  },
} as const;
export type Head = keyof typeof HEADS;

/** How many axes the features have that a head reads. */
const HEAD_AXES: Readonly<Record<Head, readonly number[]>> = {
  dense: [2, 3],
  pooling: [4],
  lastStep: [3],
};

/** The heads that fit features of a shape, the likeliest first. */
export const headsFor = (shape: Shape): Head[] =>
  (Object.keys(HEADS) as Head[]).filter((head) => HEAD_AXES[head].includes(shape.length));

/** The head that fits behind what `name` yields. */
export const headFor = (model: Model, name: string): Head =>
  headsFor(model.shapes.get(name) ?? [])[0] ?? "dense";

/** The units of the output's classes. Throws where they cannot be changed, and says which head to put behind them. */
export function outputGroup(model: Model): UnitGroup {
  const group = classGroup(model);
  const readers = group.variables.filter(({ reads }) => reads).map(({ variable }) => variable);
  if (readers.length > 0)
    throw refusal(
      model,
      `The output's units also feed ${listNames(readers)}, so it cannot be given other classes alone`,
      `, or replace the output with what reads it by "connections": "replace"`,
    );
  return group;
}

/** As `outputGroup`; other layers may read the units. */
export function classGroup(model: Model): UnitGroup {
  const output = outputOf(model);
  const { op, inputs } = model.nodes.get(output)!;
  const [condition] = inputs;
  if (op === "Select" && "node" in condition && model.shapes.get(condition.node)?.length === 0)
    throw new GraftError(
      "invalid-edit",
      `The output is what ${condition.node} chooses: the network as it was, or as it is now. Give it other classes before the edit that keeps the old branch.`,
    );
  const shape = model.shapes.get(output);
  if (shape?.length === 4 && model.roles.loss === undefined)
    throw refusal(model, `The output ${output} is a feature map ${formatShape(shape)}`);
  const axis = channelsAxis(model, output);
  let group: UnitGroup;
  try {
    group = groupFrom(model, { node: output, axis }, "the output");
  } catch (cause) {
    if (!(cause instanceof GraftError)) throw cause;
    throw refusal(model, cause.message.replace(/\.$/, ""));
  }
  if (!group.variables.some(({ makes }) => makes))
    throw refusal(
      model,
      `The output ${output} does not come from a dense, convolution or recurrent layer`,
    );
  return group;
}

function refusal(model: Model, why: string, more = ""): GraftError {
  const head = headFor(model, outputOf(model));
  const what =
    head === "pooling" ? "global average pooling and a dense layer" : "a new dense layer";
  return new GraftError(
    "invalid-edit",
    `${why}. Put ${what} behind it with replaceOutput and "head": "${head}"${more}.`,
  );
}

/** The layers that make the output's units. */
export const outputLayers = (model: Model, { variables }: UnitGroup): string[] =>
  layersOf(
    model,
    variables.filter(({ makes }) => makes),
  );

/** The layers whose units are the classes; where the output holds none, the layer that it is in. */
export function layersOfOutput(model: Model): ReadonlySet<string> {
  const { output } = model.roles;
  if (output === undefined) return new Set();
  try {
    return new Set(outputLayers(model, outputGroup(model)));
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const layer = layerOf(model, output);
    return new Set(layer === undefined ? [] : [layer.name]);
  }
}
