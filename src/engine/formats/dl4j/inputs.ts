// What samples look like: DL4J does not write it down, so it follows from the first layers that read an input.
import type { DType } from "../../../protocol/checkpoint";
import type { Shape } from "../../graph/model";
import { thawed, type Configuration, type Vertex } from "./configuration";
import { formatOf } from "./layers/convolution";
import { imageSize } from "./layers/preprocessors";
import { inputRank } from "./layers/table";
import { inner, numbers, parametersOf } from "./parameters";
import { whole, type Typed } from "./typed";

interface Input {
  readonly shape: Shape;
  readonly dtype: DType;
}

const UNKNOWN: Input = { shape: [-1], dtype: "float32" };

/**
 * What an input of the network takes: rows [batch, n], sequences [batch, time, n], images in the order of the layer, or
 * indices; the same of what is handed on by a vertex.
 */
export function inputShapes(configuration: Configuration): (name: string) => Input {
  const shapes = new Map<string, Input>();
  const shapeOf = (name: string): Input => shapes.get(name) ?? UNKNOWN;
  // From the last one, so that each is behind its readers: of several, the first that says something counts.
  for (const vertex of configuration.vertices.toReversed()) {
    const found = shapeFor(vertex, shapeOf(vertex.name));
    if (found.shape.length > 1) for (const name of vertex.inputs) shapes.set(name, found);
  }
  return shapeOf;
}

/** `next`: what its readers take. */
function shapeFor(vertex: Vertex, next: Input): Input {
  const { layer, preprocessor } = vertex;
  if (layer === undefined) return forVertex(vertex.vertex, next);
  const size = sizeOf(thawed(layer));
  if (preprocessor) return throughPreprocessor(preprocessor, size) ?? UNKNOWN;
  // A batch norm takes rows and images: what follows tells.
  if (size !== undefined && thawed(layer).type !== "BatchNormalization")
    return forLayer(thawed(layer), size);
  const own = inputRank(layer);
  if (own === undefined) return next;
  // A window changes the size of images, and not their channels.
  if (next.shape.length !== own) return UNKNOWN;
  const channels = own === 4 && formatOf(thawed(layer)) === "NCHW" ? 1 : own - 1;
  return { ...next, shape: next.shape.map((size, axis) => (axis === channels ? size : -1)) };
}

/** Vertices whose inputs look like what follows, or that say what they make of it. */
function forVertex(vertex: Typed, next: Input): Input {
  if (vertex.type === "ElementWiseVertex") return next;
  if (vertex.type !== "ReshapeVertex") return UNKNOWN;
  const [, ...sizes] = numbers(vertex, "newShape", -1);
  const size = sizes.reduce((product, each) => product * each, 1);
  return sizes.length > 0 && size > 0 ? { shape: [-1, size], dtype: "float32" } : UNKNOWN;
}

/** How many features or channels a layer reads; undefined where it says nothing. */
function sizeOf(layer: Typed): number | undefined {
  if (layer.type === "PReLULayer") return 0;
  for (const field of ["underlying", "fwd"])
    if (layer.fields.has(field)) return sizeOf(inner(layer, field));
  return layer.fields.has("nin") && (parametersOf({ ...layer, variables: [] })?.length ?? 0) > 0
    ? whole(layer, "nin", 0)
    : undefined;
}

function forLayer(layer: Typed, size: number): Input {
  if (layer.type === "PReLULayer")
    return { shape: [-1, ...numbers(layer, "inputShape")], dtype: "float32" };
  if (layer.type === "EmbeddingLayer") return { shape: [-1, 1], dtype: "int32" };
  if (layer.type === "EmbeddingSequenceLayer") return { shape: [-1, -1], dtype: "int32" };
  switch (inputRank(layer)) {
    case 2:
      return { shape: [-1, size], dtype: "float32" };
    case 3:
      return { shape: [-1, -1, size], dtype: "float32" };
    case 4:
      return image(layer, { channels: size, height: -1, width: -1 });
    default:
      return UNKNOWN;
  }
}

const image = (layer: Typed, { channels, height, width }: ReturnType<typeof imageSize>): Input => ({
  shape: formatOf(layer) === "NHWC" ? [-1, height, width, channels] : [-1, channels, height, width],
  dtype: "float32",
});

function throughPreprocessor(preprocessor: Typed, size: number | undefined): Input | undefined {
  const sizes = imageSize(preprocessor);
  switch (preprocessor.type) {
    case "FeedForwardToCnnPreProcessor":
      return { shape: [-1, sizes.channels * sizes.height * sizes.width], dtype: "float32" };
    case "CnnToFeedForwardPreProcessor":
      return image(preprocessor, sizes);
    case "RnnToFeedForwardPreProcessor":
      return size === undefined ? undefined : { shape: [-1, -1, size], dtype: "float32" };
    default:
      return undefined;
  }
}
