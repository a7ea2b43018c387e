// The entries of a ModelSerializer zip, and what other zips are. org.deeplearning4j.util.ModelSerializer
import { GraftError } from "../../../protocol/errors";
import { firstName, isZip, openArchive } from "./zip";

export const CONFIGURATION = "configuration.json";
export const COEFFICIENTS = "coefficients.bin";
export const UPDATER_STATE = "updaterState.bin";
export const NORMALIZER = "normalizer.bin";
/** A serialized Java object, as versions before 0.9 wrote normalizers. */
export const PREPROCESSOR = "preprocessor.bin";

/** The file itself where it is a ModelSerializer zip, whatever its name; a damaged one too. */
export async function matchZip(file: string): Promise<string | null> {
  if (!(await isZip(file))) return null;
  const names = await namesOf(file);
  return names.has(CONFIGURATION) || names.has(COEFFICIENTS) ? file : null;
}

/** Of a zip without a directory, the first name alone. */
async function namesOf(file: string): Promise<ReadonlySet<string>> {
  try {
    const archive = await openArchive(file);
    await archive.close();
    return new Set(archive.sizes.keys());
  } catch (error) {
    if (error instanceof GraftError) return new Set([await firstName(file)]);
    throw error;
  }
}

/** By the names of their entries; the first that fits. */
const OTHERS: readonly { readonly has: RegExp; readonly looksLike: string }[] = [
  { has: /\.npy$/, looksLike: "a NumPy archive (.npz)" },
  { has: /(^|\/)data\.pkl$/, looksLike: "a PyTorch checkpoint (.pt, .pth)" },
  { has: /^model\.weights\.h5$/, looksLike: "a Keras 3 model (.keras)" },
  {
    has: /^syn0\.(txt|bin)$/,
    looksLike: "word vectors of Deeplearning4j (WordVectorSerializer), not a network",
  },
  {
    has: /\.(fb|sdnb)$|^trainingConfig\.json$/,
    looksLike: "a SameDiff model of Deeplearning4j, not a network that ModelSerializer wrote",
  },
  { has: /(^|\/)saved_model\.pb$/, looksLike: "a zipped TensorFlow SavedModel; unpack it first" },
  { has: /\.(index|meta)$/, looksLike: "a zip with TensorFlow checkpoints; unpack it first" },
  { has: /^META-INF\/MANIFEST\.MF$/, looksLike: "a Java archive (.jar)" },
  { has: /^\[Content_Types\]\.xml$/, looksLike: "an Office document" },
];

/** Why a zip is no checkpoint; undefined where `path` is no zip. */
export async function diagnoseZip(path: string): Promise<GraftError | undefined> {
  if (!(await isZip(path))) return undefined;
  const names = [...(await namesOf(path))];
  const found = OTHERS.find(({ has }) => names.some((name) => has.test(name)));
  const looksLike = found?.looksLike ?? `a zip without ${CONFIGURATION} and ${COEFFICIENTS}`;
  return new GraftError(
    "not-a-checkpoint",
    `${path} is not a checkpoint that Graft opens: it looks like ${looksLike}. Graft opens zips that Deeplearning4j's ModelSerializer wrote, and TensorFlow 1 checkpoints.`,
  );
}
