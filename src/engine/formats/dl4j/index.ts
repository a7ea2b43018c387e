// The Deeplearning4j format: zips of ModelSerializer, from 0.5 to 1.0.0-M2.1.
import { GraftError } from "../../../protocol/errors";
import type { Model, Variable } from "../../graph/model";
import type { Checkpoint, Format } from "../format";
import { type Configuration, layersOf } from "./configuration";
import { createZip } from "./create";
import { matchZip } from "./entries";
import { ignoredSettings } from "./ignored";
import { importNetwork, layerNames } from "./import";
import { loadCode } from "./loadcode";
import { patchConfiguration } from "./patch";
import { saveZip } from "./save";
import { openZip, type Opened } from "./tensors";
import { updaterKinds, updaterTexts } from "./updater";

const NAME = "dl4j";

export const dl4j: Format = {
  name: NAME,
  label: "Deeplearning4j",
  suffix: ".zip",
  isSuffixOptional: false,
  match: matchZip,
  files: async (path) => [path],
  open: openCheckpoint,
  fittingGraph: async () => undefined,
  save: saveZip,
  create: createZip,
  loadCode,
};

async function openCheckpoint(path: string, graph?: string): Promise<Checkpoint> {
  if (graph !== undefined && graph !== path)
    throw new GraftError(
      "unsupported-format",
      `${path} has its network in itself and takes no graph of another file, ${graph}. Remove graph.meta from the recipe.`,
    );
  const opened = await openZip(path);
  let read: Promise<Model> | undefined;
  const model = () => (read ??= Promise.resolve().then(() => readModel(opened)));
  const prediction = async () => outputOf(opened.configuration, await model());
  const updaters = updatersOf(opened);
  const checkSavable = async (edited: Model) =>
    void patchConfiguration(opened.configuration, await model(), edited);
  return { ...opened, format: NAME, path, graph: path, model, prediction, checkSavable, updaters };
}

/** What DL4J's output() gives: the output layer behind its activation function. Of several outputs none is the one. */
function outputOf(configuration: Configuration, model: Model): string | undefined {
  if (configuration.outputs.length > 1) return undefined;
  const index = layersOf(configuration).findIndex(({ name }) => name === configuration.outputs[0]);
  return model.layers[index]?.output;
}

function updatersOf({ configuration, parameters }: Opened): ReadonlyMap<string, string> {
  const names = layerNames(configuration);
  return new Map(
    [...updaterTexts(configuration, parameters)].map(([layer, text]) => [names.get(layer)!, text]),
  );
}

function readModel({
  configuration,
  parameters,
  dtype,
  slots,
  tensors,
  normalizer,
}: Opened): Model {
  const states = slots.map(({ name, of, shape }): Variable => ({
    ...{ name, of, shape, dtype: tensors.get(name)!.dtype },
    ...{ value: { from: "stored", name }, role: "slot", trainable: [] },
  }));
  const model = importNetwork(configuration, parameters, dtype, states);
  const ignored = ignoredSettings(configuration);
  const kinds = updaterKinds(configuration, parameters);
  return {
    ...model,
    ...(normalizer && { normalizer }),
    ...(ignored.length > 0 && { ignored }),
    ...(kinds.length > 0 && { onceTrained: goesOn(kinds, slots.length > 0) }),
  };
}

const goesOn = (kinds: readonly string[], hasState: boolean): string =>
  `Deeplearning4j goes on with the zip's own updater (${kinds.join(", ")}), not with the recipe's optimizer. ${hasState ? "Its state and its count of iterations are those" : "Its count of iterations is that"} from before this training.`;
