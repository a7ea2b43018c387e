// GraphDefs written by hand, for what today's TensorFlow no longer writes and what none would.
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import {
  MetaGraphDefSchema,
  NodeDefSchema,
  VariableDefSchema,
  type AttrValueSchema,
  type MetaGraphDef,
  type NodeDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { Model, Shape } from "../../../src/engine/graph/model";
import { declaredTensors } from "./summary";

type Attribute = MessageInitShape<typeof AttrValueSchema>;
type Attributes = Readonly<Record<string, Attribute>>;

export const op = (
  name: string,
  type: string,
  inputs: readonly string[] = [],
  attr: Attributes = {},
): NodeDef => create(NodeDefSchema, { name, op: type, input: [...inputs], attr });

const FLOAT = 1;
const INT32 = 3;
const STRING = 7;
export const BOOL = 10;

const shapeProto = (shape: Shape | undefined) =>
  shape === undefined
    ? { unknownRank: true }
    : { dim: shape.map((size) => ({ size: BigInt(size) })) };

export const as = {
  type: (value: number): Attribute => ({ value: { case: "type", value } }),
  shape: (shape: Shape | undefined): Attribute => ({
    value: { case: "shape", value: shapeProto(shape) },
  }),
  text: (value: string): Attribute => ({
    value: { case: "s", value: new TextEncoder().encode(value) },
  }),
  flag: (value: boolean): Attribute => ({ value: { case: "b", value } }),
  integer: (value: number): Attribute => ({ value: { case: "i", value: BigInt(value) } }),
  integers: (list: readonly number[]): Attribute => ({
    value: { case: "list", value: { i: list.map(BigInt) } },
  }),
};

export const placeholder = (name: string, shape: Shape | undefined, dtype = FLOAT): NodeDef =>
  op(name, "Placeholder", [], { dtype: as.type(dtype), shape: as.shape(shape) });

/** A constant of one number for all, as TensorFlow stores equal elements. */
export const constant = (name: string, value: number, shape: Shape = []): NodeDef =>
  op(name, "Const", [], {
    value: {
      value: {
        case: "tensor",
        value: { dtype: FLOAT, tensorShape: shapeProto(shape), floatVal: [value] },
      },
    },
  });

export const integers = (name: string, values: readonly number[], isScalar = false): NodeDef =>
  op(name, "Const", [], {
    value: {
      value: {
        case: "tensor",
        value: {
          dtype: INT32,
          tensorShape: shapeProto(isScalar ? [] : [values.length]),
          intVal: [...values],
        },
      },
    },
  });

export const strings = (name: string, values: readonly string[]): NodeDef =>
  op(name, "Const", [], {
    value: {
      value: {
        case: "tensor",
        value: {
          dtype: STRING,
          tensorShape: shapeProto([values.length]),
          stringVal: values.map((value) => new TextEncoder().encode(value)),
        },
      },
    },
  });

/** A variable and its read op, NAME/read. */
export const variable = (name: string, shape: Shape): NodeDef[] => [
  op(name, "VariableV2", [], { dtype: as.type(FLOAT), shape: as.shape(shape) }),
  op(`${name}/read`, "Identity", [name]),
];

export function metaGraph(
  nodes: readonly (NodeDef | NodeDef[])[],
  trainable?: readonly string[],
): MetaGraphDef {
  const value = trainable?.map((name) =>
    toBinary(VariableDefSchema, create(VariableDefSchema, { variableName: `${name}:0` })),
  );
  return create(MetaGraphDefSchema, {
    graphDef: { node: nodes.flat() },
    ...(value && {
      collectionDef: { trainable_variables: { kind: { case: "bytesList", value: { value } } } },
    }),
  });
}

/** The model of a graph whose checkpoint stores every variable. */
export function lifted(
  nodes: readonly (NodeDef | NodeDef[])[],
  tensors?: ReadonlyMap<string, StoredTensor>,
): Model {
  const meta = metaGraph(nodes);
  return importGraph(meta, tensors ?? declaredTensors(meta));
}
