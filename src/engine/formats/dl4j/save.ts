// Writes a model as a new ModelSerializer zip: the source's configuration, patched; values in the order and the number
// format of its version; the state of the updater as DL4J cuts it for the new configuration. The rest is kept as it is.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { GraftError } from "../../../protocol/errors";
import { fromFloat32, toFloat32 } from "../../graph/dtypes";
import { elements, isFrozen, type Model, sameShape, type Variable } from "../../graph/model";
import type { Checkpoint, ReadVariable, SaveResult } from "../format";
import { reason, writeFailed } from "../tf1/errors";
import { type Configuration, layersOf, parseConfiguration } from "./configuration";
import {
  COEFFICIENTS,
  CONFIGURATION,
  matchZip,
  NORMALIZER,
  PREPROCESSOR,
  UPDATER_STATE,
} from "./entries";
import { type ArrayType, permuted } from "./nd4j";
import { layOut, type Stored } from "./parameters";
import { patchConfiguration } from "./patch";
import type { WrittenVariables } from "./patch/check";
import { openZip, type Opened } from "./tensors";
import { type Slot, stateLayout } from "./updater";
import { encodeVector, type Part } from "./vector";
import { isSafeName, type NewEntry, writeArchive } from "./zip";

export async function saveZip(
  source: Checkpoint,
  model: Model,
  as: string,
  read: ReadVariable,
): Promise<SaveResult> {
  await refuseOverwriting(source.path, as);
  const from = await openZip(source.path);
  try {
    const { contents, notes } = await newContents(from, await source.model(), model, read);
    await writeContents(as, contents);
    return { files: [as], notes };
  } finally {
    await from.close();
  }
}

/** The entries of a zip, in order. */
export type Contents = Map<string, NewEntry["content"]>;

/** Writes a zip, whole or not at all. Throws `write-failed`. */
export async function writeContents(as: string, contents: Contents): Promise<void> {
  const entries = [...contents].map(([name, content]): NewEntry => ({ name, content }));
  try {
    await mkdir(dirname(as), { recursive: true });
    await writeArchive(as, entries);
  } catch (error) {
    throw error instanceof GraftError ? error : writeFailed(as, reason(error), error);
  }
}

/** `source`: the zip that is edited, where there is one. */
export async function refuseOverwriting(source: string | undefined, as: string): Promise<void> {
  const to = await identity(as);
  const from = source === undefined ? undefined : await identity(source);
  if (to === undefined) return;
  if (to === from)
    throw writeFailed(as, "it is the checkpoint that is being changed; choose another name");
  if ((await matchZip(as)) === null)
    throw writeFailed(as, "a file of this name exists that is no Deeplearning4j model");
}

/** Another spelling of a path, or a link, may lead to the same file. */
const identity = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );

/** The entries of the new zip, those of the source in its order. */
async function newContents(
  from: Opened,
  before: Model,
  model: Model,
  read: ReadVariable,
): Promise<{ readonly contents: Contents; readonly notes: readonly string[] }> {
  const { archive, coefficients, updaterState } = from;
  const {
    text,
    variables,
    notes: patchNotes,
  } = patchConfiguration(from.configuration, before, model);
  const configuration = parseConfiguration(archive.path, text);
  const parameters = parametersFor(configuration, model, variables);
  const writing: Writing = { model, variables, read };
  const notes = [...patchNotes];
  const contents: Contents = new Map();
  for (const name of archive.sizes.keys())
    if (isSafeName(name)) contents.set(name, () => archive.parts(name));
    else
      notes.push(`The entry ${JSON.stringify(name)} is left out: its name leads out of a folder.`);

  if (before.normalizer !== undefined && model.normalizer === undefined) {
    for (const name of [NORMALIZER, PREPROCESSOR]) contents.delete(name);
    notes.push(NO_NORMALIZER);
  }
  contents.set(CONFIGURATION, Buffer.from(text, "utf8"));
  if (parameters.length > 0) {
    if (coefficients === undefined)
      throw new GraftError(
        "missing-shard",
        `${archive.path} has no ${COEFFICIENTS}, so there are no values to save. Save the model again with ModelSerializer.writeModel.`,
      );
    const { dtype } = coefficients.header;
    const parts = parameters.map((each) => parameterPart(each, writing, dtype));
    contents.set(COEFFICIENTS, () => encodeVector(coefficients, parts));
  }
  if (updaterState !== undefined) {
    const layout = stateLayout(configuration, parameters);
    if (layout !== undefined && from.slots.length > 0) {
      const parts = layout.slots.map((slot) => slotPart(slot, writing, updaterState.header.dtype));
      if (layout.length === 0) contents.delete(UPDATER_STATE);
      else contents.set(UPDATER_STATE, () => encodeVector(updaterState, parts));
    } else if (text !== from.text) {
      contents.delete(UPDATER_STATE);
      notes.push(NO_STATE);
    }
  }
  return { contents, notes };
}

/** What the flat vector of a new configuration holds. */
export function parametersFor(
  configuration: Configuration,
  model: Model,
  variables: WrittenVariables,
): readonly Stored[] {
  const total = [...variables.values()].reduce(
    (sum, { variable }) => sum + elements(model.variables.get(variable)!.shape),
    0,
  );
  return layOut(layersOf(configuration), total);
}

const NO_STATE =
  "The state of the updater is left out: it is not laid out as Graft knows it. Deeplearning4j starts with a new one.";

const NO_NORMALIZER =
  "The normalizer is left out: it is for the features that the input had. Fit another to the new samples, and add it by ModelSerializer.addNormalizerToModel.";

/** What the values of a new zip are written from. */
export interface Writing {
  readonly model: Model;
  readonly variables: WrittenVariables;
  readonly read: ReadVariable;
}

export function parameterPart(
  { variable: written, shape, order }: Stored,
  { model, variables, read }: Writing,
  dtype: ArrayType,
): Part {
  const { variable, permutation } = variables.get(written)!;
  const own = model.variables.get(variable)!;
  return { shape, order, read: () => valueOf(own, permutation, dtype, read) };
}

/**
 * The state that the model has for a variable, whatever its name became; else that of a parameter that is new, or of one
 * that is frozen: what momentum is left would move it on.
 */
function slotPart(
  { kind, of, shape, order, initial }: Slot,
  { model, variables, read }: Writing,
  dtype: ArrayType,
): Part {
  const { variable, permutation } = variables.get(of)!;
  const owner = model.variables.get(variable)!;
  const own = [...model.variables.values()].find(
    (each) =>
      each.role === "slot" &&
      each.of === variable &&
      !isFrozen(owner) &&
      each.name.endsWith(`/${kind}`) &&
      sameShape(each.shape, owner.shape),
  );
  const fresh = async () => constant(elements(shape), initial, dtype);
  return {
    ...{ shape, order },
    read: own === undefined ? fresh : () => valueOf(own, permutation, dtype, read),
  };
}

/** A value as `dtype`: what edits add is of single precision. */
async function valueOf(
  variable: Variable,
  permutation: readonly number[] | undefined,
  dtype: ArrayType,
  read: ReadVariable,
): Promise<Uint8Array> {
  const bytes = await read(variable);
  const values =
    variable.dtype === dtype ? bytes : fromFloat32(toFloat32(bytes, variable.dtype), dtype);
  return permutation === undefined ? values : permuted(values, variable.shape, permutation, dtype);
}

/** Of half precision, zeros: what states begin with is next to nothing there. */
const constant = (count: number, value: number, dtype: ArrayType): Uint8Array =>
  dtype === "float16"
    ? new Uint8Array(2 * count)
    : fromFloat32(new Float32Array(count).fill(value), dtype);
