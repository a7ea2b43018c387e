// normalizer.bin: a header, the kind of normalizer, and its numbers. org.nd4j.linalg.dataset.api.preprocessor.serializer
// Before 0.9 normalizer.bin and preprocessor.bin were serialized Java objects: those are never read.
import { GraftError } from "../../../protocol/errors";
import { toFloat32 } from "../../graph/dtypes";
import type { Normalizer } from "../../graph/normalizer";
import { corrupt, unsupported } from "../tf1/errors";
import { type DataInput, dataInput } from "./datainput";
import { readArray } from "./nd4j";

/** Nd4j.EPS_THRESHOLD: by a spread that is no larger, DL4J does not divide, or by this. */
const SMALLEST = 1e-5;

const HEADER = "NORMALIZER";
const VERSION = 1;

/** java.io.ObjectStreamConstants.STREAM_MAGIC */
const JAVA_OBJECT = [0xac, 0xed];

/** What a normalizer is; one that cannot be read is "unknown", with the reason. `title` is for messages. */
export function readNormalizer(title: string, bytes: Uint8Array): Normalizer {
  try {
    if (JAVA_OBJECT.every((byte, index) => bytes[index] === byte))
      throw unsupported(title, "it is a serialized Java object, which Graft does not run");
    const input = dataInput(title, bytes);
    if (input.utf() !== HEADER) throw unsupported(title, `it does not begin with "${HEADER}"`);
    const version = input.int();
    if (version !== VERSION)
      throw unsupported(title, `it is of version ${version}, not ${VERSION}`);
    return readKind(input);
  } catch (error) {
    if (error instanceof GraftError) return { kind: "unknown", reason: error.message };
    throw error;
  }
}

function readKind(input: DataInput): Normalizer {
  const kind = input.utf();
  switch (kind) {
    case "STANDARDIZE": {
      refuseLabels(input);
      const [mean, std] = readPair(input);
      return { kind: "standardize", mean, std: std.map((each) => (each > SMALLEST ? each : 1)) };
    }
    case "MIN_MAX": {
      refuseLabels(input);
      const range = { from: input.double(), to: input.double() };
      const [min, highest] = readPair(input);
      const max = highest.map((each, index) => Math.max(each, min[index] + SMALLEST));
      return { kind: "minMax", min, max, ...range };
    }
    case "IMAGE_MIN_MAX": {
      const range = { from: input.double(), to: input.double() };
      return { kind: "minMax", min: [0], max: [input.double()], ...range };
    }
    case "IMAGE_VGG16":
      return { kind: "standardize", mean: VGG16_MEAN, std: [1, 1, 1] };
    default:
      throw unsupported(
        input.title,
        `its normalizer is of kind ${kind}, and Graft applies STANDARDIZE, MIN_MAX, IMAGE_MIN_MAX and IMAGE_VGG16`,
      );
  }
}

/** Of red, green and blue. org.nd4j.linalg.dataset.api.preprocessor.VGG16ImagePreProcessor */
const VGG16_MEAN = [123.68, 116.779, 103.939];

function refuseLabels(input: DataInput): void {
  if (input.flag())
    throw unsupported(input.title, "it changes the labels too, which Graft does not do");
}

function readPair(input: DataInput): readonly [number[], number[]] {
  const [first, second] = [readNumbers(input), readNumbers(input)];
  if (first.length === second.length) return [first, second];
  throw corrupt(
    input.title,
    `its two lists have ${first.length} and ${second.length} numbers, not one per feature each`,
  );
}

function readNumbers(input: DataInput): number[] {
  const { values, dtype } = readArray(input);
  return [...toFloat32(values, dtype)];
}
