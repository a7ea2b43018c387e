// Writes recorded graphs as ONNX models.
import { create, toBinary } from "@bufbuild/protobuf";
import { nodesOf, type Attribute, type OnnxNode, type Value } from "./graph";
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./onnx/onnx_pb";
import { ONNX_TYPES } from "./recorder";

const IR_VERSION = 10n;
const OPSET = 18n;

/** The axis that differs from call to call: samples, or steps. */
export type Dimension = number | string;

export interface Port {
  readonly name: string;
  readonly dtype: Value["dtype"];
  readonly shape: readonly Dimension[];
}

/** A model that computes `outputs` (by name) once from `inputs`. */
export function forwardModel(
  inputs: readonly Port[],
  outputs: ReadonlyMap<string, Value>,
): Uint8Array<ArrayBuffer> {
  return encode(graphOf("forward", inputs, outputs));
}

export interface LoopBody {
  /** The number of the iteration, an int64 scalar. */
  readonly iteration: Value;
  /** Values that each iteration hands to the next: as it finds them, and as it leaves them. */
  readonly carried: readonly {
    readonly name: string;
    readonly before: Value;
    readonly after: Value;
    /** What `after` is a reshape of, if it is carried so. */
    readonly row?: Value;
  }[];
  /** What each iteration yields, by name; collected along a new first axis. */
  readonly yielded: ReadonlyMap<string, Value>;
}

/** What every loop reads. */
const CONSTANTS: readonly Value[] = [
  { name: "always", dtype: "bool", shape: [], constant: Uint8Array.of(1) },
  { name: "one row", dtype: "int64", shape: [2], constant: BigInt64Array.of(1n, -1n) },
  { name: "flat", dtype: "int64", shape: [1], constant: BigInt64Array.of(-1n) },
];

/** The names of a loop's own inputs. */
export const LOOP_COUNT = "iterations";
export const carriedIn = (name: string): string => `in:${name}`;
export const carriedOut = (name: string): string => `out:${name}`;
export const yieldedOut = (name: string): string => `all:${name}`;

/**
 * A model that runs a body many times. The body sees `inputs` of the model by their names, and what is `hoisted`,
 * computed once before the loop.
 */
export function loopModel(
  inputs: readonly Port[],
  hoisted: ReadonlyMap<string, Value>,
  { carried, yielded, iteration }: LoopBody,
): Uint8Array<ArrayBuffer> {
  const going: Port = { name: "going", dtype: "bool", shape: [] };
  const found = carried.map(({ before, row }): Port => ({
    ...before,
    shape: (row ?? before).shape,
  }));
  const left = carried.map(({ name, after, row }) => [`next:${name}`, row ?? after] as const);
  const inner = graphOf("step", [iteration, going, ...found], new Map([...left, ...yielded]));
  inner.output.unshift(valueInfo(going));
  const rows = carried.flatMap(({ name, row }) => (row === undefined ? [] : [name]));
  const inLoop = (name: string) => (rows.includes(name) ? `row ${name}` : name);
  const loop = node(
    "Loop",
    [LOOP_COUNT, "always", ...carried.map(({ name }) => carriedIn(inLoop(name)))],
    [
      ...carried.map(({ name }) => carriedOut(inLoop(name))),
      ...[...yielded.keys()].map(yieldedOut),
    ],
  );
  const before = contents(hoisted);
  const reshape = (from: string, to: string, shape: string) => node("Reshape", [from, shape], [to]);
  const toRows = rows.map((name) => reshape(carriedIn(name), carriedIn(inLoop(name)), "one row"));
  const fromRows = rows.map((name) => reshape(carriedOut(inLoop(name)), carriedOut(name), "flat"));
  loop.attribute.push(
    create(AttributeProtoSchema, { name: "body", type: AttributeType.GRAPH, g: inner }),
  );
  const outer: Port[] = [
    ...inputs,
    { name: LOOP_COUNT, dtype: "int64", shape: [] },
    ...carried.map(({ name, before }) => ({ ...before, name: carriedIn(name) })),
  ];
  const outputs: Port[] = [
    ...carried.map(({ name, before }) => ({ ...before, name: carriedOut(name) })),
    ...[...yielded].map(([name, { dtype, shape }]) => ({
      name: yieldedOut(name),
      dtype,
      shape: ["steps", ...shape],
    })),
  ];
  return encode(
    create(GraphProtoSchema, {
      name: "training",
      node: [...before.node, ...toRows, loop, ...fromRows],
      initializer: [...before.initializer, ...CONSTANTS.map(tensorProto)],
      input: outer.map(valueInfo),
      output: outputs.map(valueInfo),
    }),
  );
}

function graphOf(
  name: string,
  inputs: readonly Port[],
  outputs: ReadonlyMap<string, Value>,
): GraphProto {
  return create(GraphProtoSchema, {
    name,
    ...contents(outputs),
    input: inputs.map(valueInfo),
    output: [...outputs].map(([to, value]) => valueInfo({ ...value, name: to })),
  });
}

/** The nodes that compute `outputs`, by name, and the constants that they read. */
function contents(outputs: ReadonlyMap<string, Value>): Pick<GraphProto, "node" | "initializer"> {
  const nodes = nodesOf([...outputs.values()]);
  const read = new Set(nodes.flatMap(({ inputs: from }) => from));
  for (const value of outputs.values()) read.add(value);
  // A node gives its value the name of the output. What is an input, a constant or an output already needs a copy.
  const named = new Map<Value, string>();
  const copies: NodeProto[] = [];
  for (const [to, value] of outputs)
    if (value.node !== undefined && !named.has(value)) named.set(value, to);
    else copies.push(node("Identity", [named.get(value) ?? value.name], [to]));
  const nameOf = (value: Value) => named.get(value) ?? value.name;
  return {
    node: [...nodes.map((each) => nodeProto(each, read, nameOf)), ...copies],
    initializer: [...read].filter((value) => value.constant !== undefined).map(tensorProto),
  };
}

function nodeProto(
  { op, inputs, outputs, attributes }: OnnxNode,
  read: ReadonlySet<Value>,
  nameOf: (value: Value) => string,
) {
  // An output that nobody reads is left out, and an operator may take a faster way without it; not a part of a whole.
  const results = outputs.map((output) =>
    read.has(output) || op === "Split" ? nameOf(output) : "",
  );
  while (results.at(-1) === "") results.pop();
  const proto = node(op, inputs.map(nameOf), results);
  for (const [name, value] of Object.entries(attributes))
    proto.attribute.push(attribute(name, value));
  return proto;
}

function node(op: string, input: string[], output: string[]): NodeProto {
  const [opType, domain = ""] = op.split("::").reverse();
  const name = output.find((each) => each !== "") ?? opType;
  return create(NodeProtoSchema, { name, opType, domain, input, output });
}

function attribute(name: string, value: Attribute): AttributeProto {
  const of = (init: Omit<Partial<AttributeProto>, "$typeName">) =>
    create(AttributeProtoSchema, { name, ...init });
  if (typeof value === "string")
    return of({ type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") return of({ type: AttributeType.INT, i: BigInt(value) });
  if ("float" in value) return of({ type: AttributeType.FLOAT, f: value.float });
  return of({ type: AttributeType.INTS, ints: value.map(BigInt) });
}

function tensorProto({ name, dtype, shape, constant }: Value): TensorProto {
  const { buffer, byteOffset, byteLength } = constant!;
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: ONNX_TYPES[dtype],
    rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  });
}

function valueInfo({ name, dtype, shape }: Port): ValueInfoProto {
  const dim = shape.map((length) => ({
    value:
      typeof length === "number"
        ? { case: "dimValue" as const, value: BigInt(length) }
        : { case: "dimParam" as const, value: length },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: ONNX_TYPES[dtype], shape: { dim } } } },
  });
}

/** The domains of the operators in a graph, and in what it loops over. */
const domainsOf = ({ node: nodes }: GraphProto): string[] =>
  nodes.flatMap(({ domain, attribute: attributes }) => [
    domain,
    ...attributes.flatMap(({ g }) => (g === undefined ? [] : domainsOf(g))),
  ]);

const encode = (graph: GraphProto): Uint8Array<ArrayBuffer> =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "graft",
      opsetImport: [...new Set(["", ...domainsOf(graph)])].map((domain) => ({
        domain,
        version: domain === "" ? OPSET : 1n,
      })),
      graph,
    }),
  );
