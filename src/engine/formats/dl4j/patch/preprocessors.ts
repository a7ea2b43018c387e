// What stands between layers of different kinds in the new configuration.
import type { Model, Shape } from "../../../graph/model";
import { layersOf, type Configuration, type Vertex } from "../configuration";
import { json, JsonNumber, withKey, type Json } from "../json";
import { formatOf } from "../layers/convolution";
import { rawOf, typedField, type Typed } from "../typed";
import { object, plainObject, type Style } from "./fields";
import { rewrapped } from "./layer";
import { notSaid, type Group } from "./groups";

/** What numbers are to DL4J: rows, rows of all steps of all samples, sequences, images. */
export type Kind = "rows" | "steps" | "sequence" | "image";

export const kindOf = (shape: Shape | undefined): Kind =>
  shape?.length === 3 ? "sequence" : shape?.length === 4 ? "image" : "rows";

/** The kind of what a layer hands on. `need`: how many axes DL4J gives to it; undefined where it takes any. */
export function kindBehind(kind: Kind, need: number | undefined, shape: Shape | undefined): Kind {
  if (shape?.length !== 3) return kindOf(shape);
  return need === 2 || (need === undefined && kind === "steps") ? "steps" : "sequence";
}

/** What turns `kind` into what a layer takes: the preprocessor that it had, or a new one. */
export function between(
  style: Style,
  configuration: Configuration,
  vertex: Vertex | undefined,
  kind: Kind,
  need: number | undefined,
): Json | undefined {
  const type =
    kind === "sequence" && need === 2
      ? "RnnToFeedForwardPreProcessor"
      : kind === "steps" && need === 3
        ? "FeedForwardToRnnPreProcessor"
        : undefined;
  if (type === undefined) return undefined;
  const own = [vertex, ...configuration.vertices].find(
    (each) => each?.preprocessor?.type === type,
  )?.preprocessor;
  if (own !== undefined) return rawOf(own);
  const format = sequenceFormat(configuration);
  return plainObject(style, "preprocessor", type, {
    ...(format !== undefined && { rnnDataFormat: format }),
  });
}

/** The layout of sequences, where the version knows several. What does not say it there turns nothing round. */
export function sequenceFormat(configuration: Configuration): string | undefined {
  const formatOf = (layer: Typed): string | undefined => {
    const own = layer.fields.get("rnnDataFormat");
    if (typeof own === "string") return own;
    const [within] = ["layer", "underlying", "fwd"].flatMap(
      (field) => typedField("layer", layer, field) ?? [],
    );
    return within && formatOf(within);
  };
  return layersOf(configuration)
    .map(formatOf)
    .find((format) => format !== undefined);
}

/** A preprocessor of the source at the sizes that it has now, or a new one between images and rows. */
export const preprocessorOf = (style: Style, group: Group, after: Model): Json =>
  group.preprocessorOf ? resizedPreprocessor(group, after) : flatten(style, group, after);

/** A vertex that makes rows of images. */
export const flattenVertex = (style: Style, group: Group, after: Model): Json =>
  object(
    style,
    "vertex",
    "PreprocessorVertex",
    new Map([["preProcessor", flatten(style, group, after)]]),
  );

/** Rows of what the channels-last images of a new group hold. */
function flatten(style: Style, { name, reads: [image] }: Group, after: Model): Json {
  const [, height, width, channels] = after.shapes.get(image)!;
  if ([height, width, channels].some((size) => size < 1))
    throw notSaid(name, "the size of its images is not known");
  return plainObject(style, "preprocessor", "CnnToFeedForwardPreProcessor", {
    ...{ format: "NHWC", inputHeight: height, inputWidth: width, numChannels: channels },
  });
}

/** A preprocessor with the sizes of the images that it takes or makes now. */
function resizedPreprocessor(group: Group, after: Model): Json {
  const own = group.preprocessorOf!.preprocessor!;
  const image = [...group.reads, group.output]
    .map((name) => after.shapes.get(name) ?? [])
    .find((shape) => shape.length === 4);
  if (image === undefined) return rawOf(own);
  const [channels, height, width] =
    formatOf(own) === "NHWC" ? [image[3], image[1], image[2]] : image.slice(1);
  const sizes = { numChannels: channels, inputHeight: height, inputWidth: width };
  const fields = Object.entries(sizes).reduce((all, [key, size]) => {
    const now = all.get(key);
    const isSame = size < 0 || !(now instanceof JsonNumber) || now.value === size;
    return isSame ? all : withKey(all, key, json(size));
  }, own.fields);
  return rewrapped(rawOf(own), fields);
}
