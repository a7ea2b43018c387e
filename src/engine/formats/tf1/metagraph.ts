// The MetaGraphDef of an edited model: the source's own, with only those parts changed that no longer fit.
// Each kind of change has its file in patch/; this one says which are due and in which order.
import { clone } from "@bufbuild/protobuf";
import { GraftError } from "../../../protocol/errors";
import { storedName, type Model } from "../../graph/model";
import { addVariables } from "./patch/added";
import { patchCollections } from "./patch/collections";
import {
  changesForward,
  changesTraining,
  differences,
  isUnchanged,
  type Differences,
} from "./patch/differences";
import { patchForward } from "./patch/forward";
import { OUTPUT_SHAPES, PatchedGraph } from "./patch/graph";
import { patchInitialValues } from "./patch/initial";
import { wantNames } from "./patch/names";
import { saveAdded } from "./patch/newlysaved";
import { modeNotes, newZeroNotes, partlyTrainable, trainingNotes, zeroNotes } from "./patch/notes";
import { renameNodes } from "./patch/rename";
import { patchRecurrences } from "./patch/rnn";
import { patchSavers } from "./patch/saver";
import { setShapes } from "./patch/shapes";
import { patchStructure } from "./patch/structure";
import { trainingGraph, type TrainingGraph } from "./patch/training";
import { sourceValues } from "./patch/values";
import { graphVariables, type GraphVariable } from "./patch/variables";
import { MetaGraphDefSchema, type MetaGraphDef } from "./proto/tensorflow_pb";

export interface PatchedMetaGraph {
  readonly meta: MetaGraphDef;
  /** Sentences for the user. */
  readonly notes: readonly string[];
  /** Names of the variables of `after` that a checkpoint of the patched graph holds. */
  readonly variables: readonly string[];
}

/**
 * The graph that `after` is saved with; `before` is the model that was imported from `meta`. Throws `unsupported-op`
 * where the graph has no place for a change, and `invalid-edit` where it cannot have a name; both say what to do.
 */
export function patchMetaGraph(meta: MetaGraphDef, before: Model, after: Model): PatchedMetaGraph {
  const result = clone(MetaGraphDefSchema, meta);
  const found = differences(before, after);
  const names = [...after.variables.keys()];
  if (result.graphDef === undefined || isUnchanged(found))
    return { meta: result, notes: partlyTrainable(after), variables: names };

  const graph = new PatchedGraph(result.graphDef);
  const variables = graphVariables(result, graph);
  refuseUnknown(variables, found);
  const values = sourceValues(graph, before, variables.values());
  const added = addVariables(graph, variables, found.added);
  const structure = patchStructure({ graph, before, after, found, values, added });
  const training = changesTraining(found)
    ? trainingGraph(graph, variables, before, { dropped: found.dropped, ...structure })
    : NO_TRAINING;
  for (const name of training.nodes) graph.removed.add(name);
  const kept = [...variables.values()].filter(({ node }) => graph.has(node.name));
  const { shapes, slices, reslice } = setShapes(kept, found.shapes);
  const initialValues = patchInitialValues(graph, kept, new Set(shapes.keys()));
  patchForward(graph, found.nodes);
  if (shapes.size > 0)
    patchRecurrences(graph, meta.graphDef!, (op) => {
      const model = variables.get(op)?.model;
      return model === undefined ? undefined : found.pairs.variables.get(model)?.shape;
    });
  saveAdded(graph, result, added);
  patchSavers(graph, { reslice, names: storedNames(before, found) });
  const trainable = new Map([
    ...kept.flatMap(({ node, model }) => {
      const now = found.trainable.get(model);
      return now === undefined ? [] : [[node.name, now] as const];
    }),
    ...added.map(({ node, isTrainable }) => [node.name, isTrainable] as const),
  ]);
  patchCollections(result, graph, {
    trainable,
    slices,
    initialValues,
    added: added.map((each) => each.definition),
    updates: structure.updates,
    whileContexts: structure.whileContexts,
  });
  wantNames(graph, variables, before, found, values);
  const nodes = graph.renames();
  graph.finish();
  renameNodes(result, graph, { nodes, variables: found.renamed });
  if (shapes.size > 0 || found.nodes.length > 0 || changesForward(found))
    forgetOutputShapes(result);
  const gone = new Set(
    training.variables.map(({ model }) => found.pairs.variables.get(model)?.name),
  );
  return {
    meta: result,
    notes: [
      ...trainingNotes(training, before),
      ...zeroNotes([...initialValues.keys()]),
      ...newZeroNotes(
        added.filter((each) => !each.startsAsModel).map((each) => each.variable.name),
      ),
      ...modeNotes(structure.mode && (nodes.get(structure.mode) ?? structure.mode)),
      ...partlyTrainable(after),
    ],
    variables: names.filter((name) => !gone.has(name)),
  };
}

const NO_TRAINING: TrainingGraph = {
  nodes: new Set(),
  variables: [],
  optimizers: [],
  dependants: [],
};

/** New names of tensors in checkpoints, by the old ones. */
const storedNames = (before: Model, { renamed }: Differences): ReadonlyMap<string, string> =>
  new Map([...renamed].map(([name, now]) => [storedName(before.variables.get(name)!), now]));

/** A change of something that the graph does not have would be lost without a word. */
function refuseUnknown(
  variables: ReadonlyMap<string, GraphVariable>,
  { shapes, trainable }: Differences,
): void {
  const known = new Set([...variables.values()].map((variable) => variable.model));
  const unknown = [...shapes.keys(), ...trainable.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new GraftError(
      "unknown-variable",
      `The graph of the checkpoint has no variable ${unknown[0]}, so its change cannot be saved.`,
    );
}

function forgetOutputShapes(meta: MetaGraphDef): void {
  for (const node of meta.graphDef?.node ?? []) delete node.attr[OUTPUT_SHAPES];
}
