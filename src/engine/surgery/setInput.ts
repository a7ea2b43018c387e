// Other channels of an input: the kernels that read them get weights for the new ones, and every other weight stays.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { OpName } from "../graph/catalogue";
import { groupFrom, type TiedVariable, type UnitGroup } from "../graph/coupling/group";
import { alongAxis } from "../graph/coupling/places";
import { fitsAnyFeatures } from "../graph/normalizer";
import { refName, type Model, type Region, type Value, type Variable } from "../graph/model";
import { descendants } from "../graph/order";
import { joined, takenRegions } from "../graph/regions";
import { channelAxis } from "../graph/shapes";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { slotsOf, withUnitCount } from "./regroup";
import { resized, scaled, taken } from "./resize";
import { listNames } from "./select";
import { layersOf } from "./unitLayers";

export const SetInputSchema = z.strictObject({
  channels: z
    .int()
    .min(1)
    .max(1_000_000)
    .describe("How many channels a sample has then; of an input of rows, how many features."),
  how: z
    .enum(["mean", "repeat", "zero"])
    .default("mean")
    .describe(
      "What the weights of new channels start from. mean: the mean of the old channels' weights. repeat: copies of the old channels in turn, with weights divided among the copies, so that copied channels give what the old ones gave. zero: new channels count for nothing at first. Of fewer channels, one alone gets the sum of the weights (grey from colour), more keep the weights of the first ones.",
    ),
  input: z
    .string()
    .min(1)
    .optional()
    .describe("The placeholder of the input, where there are several."),
});
type Spec = z.infer<typeof SetInputSchema>;

/** A channel of the new input: the sum of old ones, with its weights multiplied by a factor. */
interface Channel {
  readonly of: readonly number[];
  readonly factor: number;
}

function newChannels(count: number, { channels, how }: Spec): Channel[] {
  const old = Array.from({ length: count }, (_, channel) => channel);
  if (channels === 1 && count > 1) return [{ of: old, factor: 1 }];
  const copies = (channel: number) => Math.ceil((channels - channel) / count);
  return Array.from({ length: channels }, (_, channel) => {
    if (how === "repeat" && channels > count)
      return { of: [channel % count], factor: 1 / copies(channel % count) };
    if (channel < count) return { of: [channel], factor: 1 };
    return how === "zero" ? { of: [], factor: 1 } : { of: old, factor: 1 / count };
  });
}

/** Numbers that belong to channels and are no weights (a norm's): of several channels, the mean. */
const average = (count: number, { of }: Channel): Channel =>
  of.length === 1
    ? { of, factor: 1 }
    : { of: Array.from({ length: count }, (_, channel) => channel), factor: 1 / count };

/** An optimizer's state, where the channel is an old one. */
const state = ({ of, factor }: Channel): Channel =>
  of.length === 1 && factor === 1 ? { of, factor } : { of: [], factor: 1 };

function inputOf(model: Model, { input }: Spec): string {
  const { inputs } = model.roles;
  if (input === undefined && inputs.length === 1) return inputs[0];
  const name = model.aliases.get(input ?? "") ?? input;
  if (name !== undefined && model.nodes.get(name)?.op === "Placeholder") return name;
  throw new GraftError(
    "invalid-edit",
    input === undefined
      ? `The network has ${inputs.length} inputs. Choose one of ${listNames(inputs)} with "input".`
      : `There is no placeholder ${input}. The inputs are ${listNames(inputs)}.`,
  );
}

const WINDOWED: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "MaxPool", "AvgPool"] as const),
]);

/**
 * The channels of the input: as the first convolution or pooling below it has them, else along its last axis, or the
 * second where only that leads to weights.
 */
function channelGroup(model: Model, input: string): UnitGroup {
  const below = descendants(model, [input]);
  const first = [...model.nodes.values()].find(
    ({ name, op }) => below.has(name) && WINDOWED.has(op),
  );
  const from = first === undefined ? input : refName(first.inputs[0]);
  const shape = model.shapes.get(from) ?? [];
  const format = first !== undefined && "dataFormat" in first.attributes;
  const axes = format
    ? [channelAxis(shape, first.attributes.dataFormat)]
    : [shape.length - 1, ...(shape.length > 2 && shape[1] > 0 ? [1] : [])];
  const groups = axes.map((axis) => groupFrom(model, { node: from, axis }, input));
  const group = groups.find(
    ({ nodes, variables, reachesOutput }) =>
      !reachesOutput &&
      nodes.some(({ node }) => node === input) &&
      variables.some(({ reads }) => reads),
  );
  if (group !== undefined) return group;
  throw new GraftError(
    "invalid-edit",
    `No dense, convolution or recurrent layer reads the channels of ${input} alone, so the network cannot take others.`,
  );
}

const countedChannels = (count: number): string =>
  `${count} ${count === 1 ? "channel" : "channels"}`;

function apply(model: Model, spec: Spec): Model {
  const input = inputOf(model, spec);
  const group = channelGroup(model, input);
  if (spec.channels === group.units)
    throw new GraftError("invalid-edit", `${input} has ${countedChannels(group.units)} already.`);
  const channels = newChannels(group.units, spec);
  const variables = new Map(model.variables);
  for (const tied of group.variables) {
    const before = variables.get(tied.variable)!;
    const own = tied.reads ? channels : channels.map((each) => average(group.units, each));
    variables.set(before.name, withChannels(before, tied, group.units, own));
    for (const slot of slotsOf(variables, before))
      variables.set(slot.name, withChannels(slot, tied, group.units, own.map(state)));
  }
  const { normalizer, ...rest } = model;
  const isKept = normalizer !== undefined && fitsAnyFeatures(normalizer);
  return withUnitCount({ ...rest, variables, ...(isKept && { normalizer }) }, group, spec.channels);
}

/** What is frozen stays frozen: the network goes on as it is, with numbers that follow from the old ones. */
function withChannels(
  variable: Variable,
  { axis, places }: TiedVariable,
  count: number,
  channels: readonly Channel[],
): Variable {
  const size = variable.shape[axis];
  const each = alongAxis<Channel, Channel>(
    places,
    size,
    count,
    channels,
    (element) => ({ of: [element], factor: 1 }),
    ({ of, factor }, element) => ({ of: of.map(element), factor }),
  );
  const shape = resized(variable.shape, axis, each.length);
  const trainable = variable.trainable.flatMap((region): Region[] =>
    region.size[axis] === size
      ? [{ start: region.start, size: resized(region.size, axis, each.length) }]
      : takenRegions(
          [region],
          axis,
          each.map(({ of }) => (of.length === 1 ? of[0] : -1)),
        ),
  );
  return {
    ...variable,
    shape,
    value: combined(variable, axis, each),
    trainable: joined(trainable, shape),
  };
}

/** Along `axis`, sums of the variable's slices with factors; the leading slices that stay are taken byte for byte. */
function combined({ value, shape }: Variable, axis: number, each: readonly Channel[]): Value {
  const changed = each.findIndex(({ of, factor }) => of.length !== 1 || factor !== 1);
  const kept = each.slice(0, changed < 0 ? each.length : changed).map(({ of: [index] }) => index);
  const start = taken(value, shape, axis, kept);
  if (kept.length === each.length) return start;
  const rest = each.slice(kept.length);
  const sums: Value = {
    from: "sum",
    axis,
    terms: rest.map(({ of }) => of),
    part: value,
    shape,
  };
  const restShape = resized(shape, axis, rest.length);
  const factors = rest.map(({ factor }) => factor);
  const end = scaled(sums, restShape, axis, factors);
  if (kept.length === 0) return end;
  return {
    from: "concat",
    axis,
    parts: [start, end],
    shapes: [resized(shape, axis, kept.length), restShape],
  };
}

const HOW = {
  mean: { label: "Mean", detail: "New channels weigh what the old ones weigh on average" },
  repeat: {
    label: "Copies",
    detail: "Weights are divided among the copies: copied channels give what the old ones gave",
  },
  zero: { label: "Zero", detail: "New channels count for nothing until they are learned" },
} as const;

export const setInput: EditKind<Spec> = {
  effect: () => "changed",
  schema: SetInputSchema.describe(EDIT_COMMANDS.setInput.does),
  apply,
  touches: (model, spec) => layersOf(model, channelGroup(model, inputOf(model, spec)).variables),
  describe: (before, after, spec) => {
    const input = inputOf(before, spec);
    const { units } = channelGroup(before, input);
    const isLeftOut = before.normalizer !== undefined && after.normalizer === undefined;
    const unfit = isLeftOut ? "; the checkpoint's normalizer, which does not fit, is left out" : "";
    return `${input} has ${countedChannels(spec.channels)} instead of ${units}${unfit}; ${describeSizes(before, after)}; ${describeTraining(after)}.`;
  },
  questions: (model, given) => {
    const { inputs } = model.roles;
    return [
      ...("input" in given || inputs.length < 2
        ? []
        : [
            {
              field: "input",
              ask: "layer" as const,
              prompt: "Input that gets other channels",
              candidates: inputs,
            },
          ]),
      {
        field: "channels",
        ask: "number",
        prompt: "How many channels a sample has then",
        min: 1,
        max: 1_000_000,
        suggestion: 3,
      },
      {
        field: "how",
        ask: "choice",
        prompt: "What the weights of new channels start from",
        choices: Object.entries(HOW).map(([value, choice]) => ({ value, ...choice })),
      },
    ];
  },
};
