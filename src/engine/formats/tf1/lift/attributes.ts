// Attributes of a source node, with TensorFlow's defaults where a file leaves them out.
import type { DType } from "../../../../protocol/checkpoint";
import type { DataFormat, Padding } from "../../../graph/catalogue";
import type { Shape } from "../../../graph/model";
import { dtypeOf } from "../dtypes";
import type { AttrValue, TensorProto, TensorShapeProto } from "../proto/tensorflow_pb";
import type { SourceNode } from "./source";

type Known = Extract<AttrValue["value"], { readonly case: string }>;
type Values = { readonly [Each in Known as Each["case"]]: Each["value"] };

function attribute<Kind extends keyof Values>(
  node: SourceNode,
  name: string,
  kind: Kind,
): Values[Kind] | undefined {
  const value = node.attr[name]?.value;
  return value?.case === kind ? (value.value as Values[Kind]) : undefined;
}

/** Reference types (100 and above) are those of old variables; their values are the same. */
const dtype = (number: number): DType | undefined => dtypeOf(number % 100);

export const flag = (node: SourceNode, name: string): boolean =>
  attribute(node, name, "b") ?? false;

export const integer = (node: SourceNode, name: string): number | undefined => {
  const value = attribute(node, name, "i");
  return value === undefined ? undefined : Number(value);
};

/** A float32 as the program wrote it: 0.9, not 0.8999999761581421. */
export const shortest = (value: number): number => Number(value.toPrecision(6));

export const float = (node: SourceNode, name: string): number | undefined => {
  const value = attribute(node, name, "f");
  return value === undefined ? undefined : shortest(value);
};

export const integers = (node: SourceNode, name: string): number[] =>
  attribute(node, name, "list")?.i.map(Number) ?? [];

export const text = (node: SourceNode, name: string): string | undefined => {
  const bytes = attribute(node, name, "s");
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
};

export const type = (node: SourceNode, name: string): DType | undefined =>
  dtype(attribute(node, name, "type") ?? 0);

export const types = (node: SourceNode, name: string): (DType | undefined)[] =>
  attribute(node, name, "list")?.type.map(dtype) ?? [];

/** Undefined: not even the rank is known. */
export const shape = (node: SourceNode, name: string): Shape | undefined =>
  readShape(attribute(node, name, "shape"));

export const shapes = (node: SourceNode, name: string): (Shape | undefined)[] =>
  attribute(node, name, "list")?.shape.map(readShape) ?? [];

export const tensor = (node: SourceNode, name: string): TensorProto | undefined =>
  attribute(node, name, "tensor");

export const readShape = (shape: TensorShapeProto | undefined): Shape | undefined =>
  shape === undefined || shape.unknownRank ? undefined : shape.dim.map((dim) => Number(dim.size));

export const padding = (node: SourceNode): Padding | undefined => {
  const value = text(node, "padding");
  return value === "SAME" || value === "VALID" ? value : undefined;
};

export const dataFormat = (node: SourceNode): DataFormat | undefined => {
  const value = text(node, "data_format") ?? "NHWC";
  return value === "NHWC" || value === "NCHW" ? value : undefined;
};

/** Height and width out of a list with one number per axis. */
export function perPixel(
  list: readonly number[],
  format: DataFormat,
): readonly [number, number] | undefined {
  if (list.length === 0) return [1, 1];
  const [batch, a, b, c] = list;
  const [height, width, channels] = format === "NCHW" ? [b, c, a] : [a, b, c];
  return batch === 1 && channels === 1 && list.length === 4 ? [height, width] : undefined;
}
