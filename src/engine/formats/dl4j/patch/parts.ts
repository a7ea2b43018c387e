// The vertices of the new configuration, in order: what each is, and what it reads.
import type { Model, Shape } from "../../../graph/model";
import { confOf, thawed, type Configuration, type Vertex } from "../configuration";
import { withKey, type Json } from "../json";
import { isVague } from "../../../graph/shapes";
import { rawOf } from "../typed";
import { isOutputLayer } from "../layers/table";
import type { Style } from "./fields";
import { groupsOf, notSaid, type Group } from "./groups";
import { asHidden, asOutput, bySource, keptLayer, type WrittenLayer } from "./layer";
import type { OutputLoss } from "./loss";
import { lastStepsWrapped } from "./laststep";
import { canDrop, paddingNote, sequenceDropout, withInputDropout } from "./newdropout";
import { newLayers, passingLayer } from "./newlayer";
import { isFlatten, isVertex, newVertex } from "./newvertex";
import {
  between,
  flattenVertex,
  kindBehind,
  kindOf,
  preprocessorOf,
  sequenceFormat,
  type Kind,
} from "./preprocessors";
import { needsSequences, rankFor } from "./steps";
import { withTraining } from "./training";

/** A vertex of the new configuration. */
export interface Part {
  /** For messages, and what a new layer is called. */
  readonly name: string;
  /** The vertex that it was. */
  readonly source?: Vertex;
  /** Without what freezes it. */
  readonly layer?: WrittenLayer;
  /** Of a new vertex that is no layer. */
  readonly vertex?: Json;
  /** Parts, and inputs of the network by name. */
  readonly inputs: readonly (Part | string)[];
  /** Whether it is a new vertex that hands on the last step of a sequence, or a layer around which that is now. */
  readonly takesLastStep?: boolean;
  /** What is done to the input of a layer. */
  readonly preprocessor?: Json;
  /** The node that it hands on. */
  readonly output: string;
}

/** What a node gives to those that read it. */
export interface Feed {
  readonly from: Part | string;
  readonly kind: Kind;
  /** A preprocessor that lies between. */
  readonly through?: Group;
  /** The rate of a dropout that lies between. */
  readonly dropout?: number;
}

export interface Edited {
  readonly configuration: Configuration;
  readonly style: Style;
  readonly before: Model;
  readonly after: Model;
  /** The loss function of the output layer; undefined where the network has no loss any more. */
  readonly loss: OutputLoss | undefined;
}

/** Each behind those that it reads. Throws `invalid-edit` for what no configuration can say. */
export function partsOf(edited: Edited): readonly Part[] {
  const { configuration, style, after } = edited;
  const feeds = new Map<string, Feed>();
  for (const node of after.nodes.values())
    if (node.op === "Placeholder" && configuration.inputs.includes(node.origin[0]))
      feeds.set(node.name, { from: node.origin[0], kind: kindOf(after.shapes.get(node.name)) });
  const parts: Part[] = [];
  const groups = groupsOf(configuration, after);
  const layersOf = layerMaker(edited, outputGroup(groups, after));
  const isGraph = configuration.network !== "MultiLayerNetwork";
  const asSequence = sequenceMaker(edited, parts);
  const isForLayers = ({ output }: Group): boolean =>
    groups.every((each) => !each.reads.includes(output) || !isNewVertex(after, each));
  for (const group of groups) {
    const read = group.reads.map((name) => feeds.get(name)!);
    const isNewFlatten = group.vertex === undefined && isFlatten(after, group.nodes.at(-1)!);
    if (group.preprocessorOf || (isNewFlatten && isForLayers(group))) {
      feeds.set(group.output, { ...read[0], through: group });
      continue;
    }
    const vertex = isNewFlatten
      ? flattenVertex(style, group, after)
      : group.vertex === undefined
        ? newVertex(style, group, after)
        : undefined;
    if (isLayer(after, group)) {
      const { made, feed } = layerParts(edited, group, read[0], layersOf, groups);
      parts.push(...made);
      feeds.set(group.output, feed);
      continue;
    }
    const fed = isGraph && needsSequences(group, read) ? read.map(asSequence) : read;
    const made = vertexPart(after, group, fed, vertex);
    parts.push(made.part);
    feeds.set(group.output, { from: made.part, kind: made.kind });
  }
  // What comes out at the end are sequences, too.
  for (const { isRead, output, vertex } of groups)
    if (!isRead && !configuration.outputs.includes(vertex?.name ?? ""))
      asSequence(feeds.get(output)!);
  return isGraph ? parts : lastStepsWrapped(style, parts);
}

/** Adds a layer that makes sequences of rows of all steps to `parts`, where that is what is read. */
function sequenceMaker({ configuration, style }: Edited, parts: Part[]): (feed: Feed) => Feed {
  const known = new Map<Part, Feed>();
  return (feed) => {
    const { from, kind } = feed;
    if (typeof from === "string" || kind !== "steps") return feed;
    const added = known.get(from);
    if (added !== undefined) return added;
    const name = `${from.name}_steps`;
    const template = thawed(templateOf(configuration).layer!).fields;
    const part: Part = {
      name,
      layer: passingLayer(style, name, template, from.output),
      inputs: [from],
      preprocessor: between(style, configuration, undefined, kind, 3)!,
      output: from.output,
    };
    parts.push(part);
    known.set(from, { from: part, kind: "sequence" });
    return known.get(from)!;
  };
}

interface Made {
  readonly part: Part;
  readonly kind: Kind;
}

/** Whether a group that is no preprocessor becomes a layer. */
const isLayer = (after: Model, group: Group): boolean =>
  group.vertex === undefined
    ? group.layer !== undefined &&
      !isVertex(after, group.nodes.at(-1)!) &&
      !isFlatten(after, group.nodes.at(-1)!)
    : group.vertex.layer !== undefined;

const isNewVertex = (after: Model, { vertex, nodes }: Group): boolean =>
  vertex === undefined ? isVertex(after, nodes.at(-1)!) : vertex.layer === undefined;

function vertexPart(
  after: Model,
  group: Group,
  read: readonly Feed[],
  vertex: Json | undefined,
): Made {
  const { name, vertex: source, output } = group;
  // The input that a DuplicateToTimeSeriesVertex counts the steps of is a setting of it.
  const counted = source?.vertex.fields.get("inputName");
  const inputs = read.flatMap(({ from }) => (from === counted ? [] : [from]));
  const part = {
    ...{ name, inputs, output },
    ...(source && { source }),
    ...(vertex !== undefined && {
      vertex,
      takesLastStep: group.nodes.at(-1)!.op === "LastStep",
    }),
  };
  return { part, kind: kindBehind(read[0]?.kind ?? "rows", undefined, after.shapes.get(output)) };
}

/** A layer says its own name, too, and Deeplearning4j looks for a vertex of that name. */
const named = (layer: WrittenLayer, name: string): WrittenLayer =>
  typeof layer.fields.get("layerName") === "string"
    ? { ...layer, fields: withKey(layer.fields, "layerName", name) }
    : layer;

/** The parts of a layer's group: one, but where an edit put several layers there, or a dropout that its reader takes over. */
function layerParts(
  { configuration, style, after }: Edited,
  group: Group,
  read: Feed,
  layersOf: (group: Group) => readonly WrittenLayer[],
  groups: readonly Group[],
): { readonly made: readonly Part[]; readonly feed: Feed } {
  if (group.reads.length !== 1) throw notSaid(group.name, "a layer reads one input");
  const made: Part[] = [];
  const layers = layersOf(group);
  const readers = groups.filter(({ reads }) => reads.includes(group.output));
  let feed = read;
  for (const [index, layer] of layers.entries()) {
    const isLast = layer === layers.at(-1);
    const name = isLast ? group.name : `${group.name}_${layer.type}`;
    const rate = group.vertex ? undefined : sequenceDropout(after, layer);
    const [reader, ...others] = isLast
      ? readers.map((each) => (isLayer(after, each) ? layersOf(each)[0] : undefined))
      : [layers[index + 1]];
    if (rate !== undefined && reader && others.length === 0 && canDrop(after, reader)) {
      feed = { ...feed, dropout: rate };
      continue;
    }
    const output = isLast ? group.output : layer.output!;
    const need = rankFor(group, layer, feed);
    const preprocessor = feed.through
      ? preprocessorOf(style, feed.through, after)
      : isVagueAsBefore(after, group, feed)
        ? group.vertex!.preprocessor && rawOf(group.vertex!.preprocessor)
        : between(style, configuration, group.vertex, feed.kind, need);
    const part: Part = {
      name,
      ...(group.vertex && { source: group.vertex }),
      layer: {
        ...withInputDropout(named(layer, name), feed.dropout),
        ...(rate !== undefined && { notes: [paddingNote(name)] }),
      },
      inputs: [feed.from],
      ...(preprocessor !== undefined && { preprocessor }),
      output,
    };
    made.push(part);
    feed = { from: part, kind: kindBehind(feed.kind, need, after.shapes.get(output)) };
  }
  return { made, feed };
}

/** Whether no shape tells what a layer reads; it is what it was, then, unless another vertex feeds it now. */
function isVagueAsBefore(after: Model, { vertex, reads }: Group, { from }: Feed): boolean {
  const read = typeof from === "string" ? from : from.source?.name;
  return isVague(after.shapes.get(reads[0]) ?? [-1]) && read === vertex?.inputs[0];
}

/** What compares with labels: a loss layer that reads the output, or the layer of the output itself. */
function outputGroup(groups: readonly Group[], { roles }: Model): Group | undefined {
  const { output } = roles;
  const isLossLayer = ({ vertex, reads }: Group): boolean =>
    vertex?.layer !== undefined && isOutputLayer(thawed(vertex.layer)) && reads[0] === output;
  return (
    groups.find(isLossLayer) ??
    groups.find(({ nodes }) => nodes.some(({ name }) => name === output))
  );
}

/** How the layers of a group are written. */
function layerMaker({ configuration, style, before, after, loss }: Edited, output?: Group) {
  const variables = bySource(after);
  const sources = new Map(
    groupsOf(configuration, before).map((group) => [group.vertex?.name, group]),
  );
  const template = templateOf(configuration);
  const format = sequenceFormat(configuration);
  return (group: Group): readonly WrittenLayer[] => {
    const made = group.vertex
      ? [keptLayer(style, group, sources.get(group.vertex.name)!, variables)]
      : newLayers(style, group, after, thawed(template.layer!).fields);
    const last = made.at(-1)!;
    const shape: Shape = after.shapes.get(group.output) ?? [];
    const layer =
      group === output && loss !== undefined
        ? asOutput(style, last, group.name, shape.length, loss)
        : group.isRead
          ? asHidden(style, last)
          : last;
    const knowsL2 = !confOf(template).has("useRegularization");
    return [...made.slice(0, -1), layer].map((each) =>
      withTraining(ofSequences(each, format), group.name, after.variables, knowsL2),
    );
  };
}

/** The layer with the layout of its sequences, where the version knows several: one that does not say it has none. */
function ofSequences(layer: WrittenLayer, format: string | undefined): WrittenLayer {
  const { type, fields } = layer;
  const reads = ["LSTM", "GravesLSTM", "RnnOutputLayer"].includes(type);
  if (!reads || format === undefined || fields.has("rnnDataFormat")) return layer;
  return { ...layer, fields: withKey(fields, "rnnDataFormat", format) };
}

/** A layer whose settings new ones take over: the last one that has parameters. */
export function templateOf({ vertices }: Configuration): Vertex {
  const layers = vertices.filter(({ layer }) => layer !== undefined);
  return (
    layers.findLast(({ layer }) => layer!.fields.size > 0 && hasUpdater(layer!)) ?? layers.at(-1)!
  );
}

const hasUpdater = (layer: NonNullable<Vertex["layer"]>): boolean => {
  const { fields } = thawed(layer);
  return ["iupdater", "iUpdater", "updater"].some((key) => fields.has(key));
};
