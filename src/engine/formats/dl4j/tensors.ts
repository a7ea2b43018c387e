// The values of a ModelSerializer zip: each parameter a slice of coefficients.bin, each state of its updater a slice of
// updaterState.bin. Opening reads the configuration and the two headers.
import { GraftError } from "../../../protocol/errors";
import { elements } from "../../graph/model";
import type { Normalizer } from "../../graph/normalizer";
import type { StoredTensor, TensorSource } from "../format";
import { corrupt, unknownTensor } from "../tf1/errors";
import { type Configuration, layersOf, parseConfiguration } from "./configuration";
import { COEFFICIENTS, CONFIGURATION, NORMALIZER, PREPROCESSOR, UPDATER_STATE } from "./entries";
import { type ArrayType, ELEMENT_BYTES, reordered } from "./nd4j";
import { readNormalizer } from "./normalizer";
import { layOut, parametersOf, type Stored } from "./parameters";
import { type Slot, stateLayout } from "./updater";
import { openVector, type Vector } from "./vector";
import { type Archive, openArchive } from "./zip";

/** An open zip. */
export interface Opened extends TensorSource {
  readonly archive: Archive;
  /** Of its configuration. */
  readonly text: string;
  readonly configuration: Configuration;
  /** The element type of the parameters. */
  readonly dtype: ArrayType;
  readonly parameters: readonly Stored[];
  /** The states of the updater; none where it has none, or where they are not as its configuration says. */
  readonly slots: readonly Slot[];
  readonly coefficients: Vector | undefined;
  readonly updaterState: Vector | undefined;
  readonly normalizer: Normalizer | undefined;
}

/** Of real networks, some hundred kilobytes; of a normalizer, some bytes per feature. */
const MOST_TEXT = 64 * 2 ** 20;

/** Opens the zip at `path`. Throws `file-not-found`, `corrupt-file`, `unsupported-format`. */
export async function openZip(path: string): Promise<Opened> {
  const archive = await openArchive(path);
  try {
    return await openArchived(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function openArchived(archive: Archive): Promise<Opened> {
  const { path, sizes } = archive;
  if (!sizes.has(CONFIGURATION))
    throw corrupt(path, `it has parameters, and no ${CONFIGURATION} that says what they are of`);
  const text = Buffer.from(await archive.read(CONFIGURATION, MOST_TEXT)).toString("utf8");
  const configuration = parseConfiguration(path, text);
  const layers = layersOf(configuration);
  const vector = (name: string) => (sizes.has(name) ? openVector(archive, name) : undefined);
  const coefficients = await vector(COEFFICIENTS);
  const known = layers.flatMap((layer) => parametersOf(layer) ?? []);
  const total = coefficients?.length ?? known.reduce((sum, { shape }) => sum + elements(shape), 0);
  const parameters = layOut(layers, total);
  const updaterState = await vector(UPDATER_STATE);
  const layout = updaterState && stateLayout(configuration, parameters);
  const slots = layout?.length === updaterState?.length ? (layout?.slots ?? []) : [];
  const dtype = coefficients?.header.dtype ?? "float32";
  return {
    ...{ archive, text, configuration, dtype, parameters, slots, coefficients, updaterState },
    normalizer: await normalizerOf(archive),
    ...tensorSource(archive, [
      ...piecesOf(
        coefficients,
        parameters.map((each) => ({ ...each, name: each.variable })),
        dtype,
      ),
      ...piecesOf(updaterState, slots, dtype),
    ]),
  };
}

async function normalizerOf(archive: Archive): Promise<Normalizer | undefined> {
  const name = [NORMALIZER, PREPROCESSOR].find((each) => archive.sizes.has(each));
  if (name === undefined) return undefined;
  return readNormalizer(`${name} in ${archive.path}`, await archive.read(name, MOST_TEXT));
}

/** A tensor that is a slice of a vector. */
interface Piece {
  readonly tensor: StoredTensor;
  readonly order: "c" | "f";
  readonly offset: number;
  readonly dtype: ArrayType;
  readonly vector: Vector | undefined;
}

const piecesOf = (
  vector: Vector | undefined,
  all: readonly Pick<Slot, "name" | "shape" | "order" | "offset">[],
  otherwise: ArrayType,
): Piece[] => {
  const dtype = vector?.header.dtype ?? otherwise;
  return all.map(({ name, shape, order, offset }) => ({
    tensor: {
      ...{ name, dtype, shape, bytes: elements(shape) * ELEMENT_BYTES[dtype] },
      ...(vector === undefined && { problem: `the zip has no ${COEFFICIENTS}` }),
    },
    ...{ order, offset, dtype, vector },
  }));
};

function tensorSource(archive: Archive, pieces: readonly Piece[]): TensorSource {
  const byName = new Map(pieces.map((piece) => [piece.tensor.name, piece]));
  return {
    tensors: new Map(pieces.map(({ tensor }) => [tensor.name, tensor])),
    async read(name) {
      const piece = byName.get(name);
      if (piece === undefined) throw unknownTensor(archive.path, name);
      const { tensor, vector, dtype, order, offset } = piece;
      if (vector === undefined)
        throw new GraftError(
          "missing-shard",
          `${archive.path} has no ${COEFFICIENTS}: "${name}" has no values. Save the model again with ModelSerializer.writeModel.`,
        );
      const bytes = await vector.read(offset, elements(tensor.shape));
      return order === "c" ? bytes : reordered(bytes, tensor.shape, dtype, "c");
    },
    readStrings: (name) => Promise.reject(new Error(`${name} is not a string tensor`)),
    close: archive.close,
  };
}
