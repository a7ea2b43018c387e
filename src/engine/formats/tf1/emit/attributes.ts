// Attributes of new nodes, in TensorFlow's own form.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DType } from "../../../../protocol/checkpoint";
import type { Shape } from "../../../graph/model";
import { numberOf } from "../dtypes";
import { shapeProto } from "../patch/tensors";
import { AttrValueSchema, TensorShapeProtoSchema, type AttrValue } from "../proto/tensorflow_pb";

type Value = MessageInitShape<typeof AttrValueSchema>["value"];

const attribute = (value: Value): AttrValue => create(AttrValueSchema, { value });

/** An element type by its number; `ofType` takes its name. */
export const type = (value: number): AttrValue => attribute({ case: "type", value });

export const types = (values: readonly number[]): AttrValue =>
  attribute({ case: "list", value: { type: [...values] } });

export const ofType = (dtype: DType): AttrValue => type(numberOf(dtype));

export const flag = (value: boolean): AttrValue => attribute({ case: "b", value });

export const integer = (value: number): AttrValue => attribute({ case: "i", value: BigInt(value) });

export const integers = (values: readonly number[]): AttrValue =>
  attribute({ case: "list", value: { i: values.map(BigInt) } });

export const float = (value: number): AttrValue => attribute({ case: "f", value });

export const text = (value: string): AttrValue =>
  attribute({ case: "s", value: new TextEncoder().encode(value) });

/** Undefined: not even the rank is known. */
export const shape = (value: Shape | undefined): AttrValue =>
  attribute({
    case: "shape",
    value:
      value === undefined
        ? create(TensorShapeProtoSchema, { unknownRank: true })
        : shapeProto(value),
  });

/** "On the device of that variable." */
export const beside = (variable: string): AttrValue =>
  attribute({
    case: "list",
    value: { s: [new TextEncoder().encode(`loc:@${variable}`)] },
  });
