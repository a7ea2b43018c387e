// A graph of ONNX operators while it is being recorded: values with static shapes, and the nodes that make them.

export type ElementType = "float32" | "int32" | "int64" | "bool";

export type Numbers = Float32Array | Int32Array | BigInt64Array | Uint8Array;

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One tensor of the graph. */
export interface Value {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** The node that makes it; none for inputs and constants. */
  readonly node?: OnnxNode;
  /** Numbers of a constant, in C order. */
  readonly constant?: Numbers;
}

export interface OnnxNode {
  /** An operator of ONNX, or of another domain: "domain::operator". */
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly Value[];
}

export interface ValueType {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

/** Constants up to this many numbers are compared by content, larger ones by identity. */
const COMPARED = 64;

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/**
 * Records nodes. A node that was emitted before with the same inputs and attributes is not emitted again: every
 * operator that is used here is a pure function.
 */
export class Graph {
  readonly inputs: Value[] = [];
  private readonly emitted = new Map<string, readonly Value[]>();
  private readonly constants = new Map<string, Value>();
  private readonly identities = new Map<Numbers, number>();
  private count = 0;

  /** Of graphs whose nodes end in one model, names begin differently. */
  constructor(private readonly prefix = "") {}

  input(name: string, { dtype, shape }: ValueType): Value {
    const value = { name, dtype, shape };
    this.inputs.push(value);
    return value;
  }

  constant(constant: Numbers, dtype: ElementType, shape: readonly number[]): Value {
    const key = `${dtype} ${shape.join()}: ${this.contentKey(constant)}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const value: Value = { name: this.name("c"), dtype, shape, constant };
    this.constants.set(key, value);
    return value;
  }

  /** A list of int64, which is what ONNX takes shapes and axes as. */
  integers(numbers: readonly number[]): Value {
    return this.constant(BigInt64Array.from(numbers, BigInt), "int64", [numbers.length]);
  }

  scalar(number: number, dtype: "float32" | "int32" | "bool" = "float32"): Value {
    return this.constant(ARRAYS[dtype].of(number), dtype, []);
  }

  emit(
    op: string,
    inputs: readonly Value[],
    type: ValueType,
    attributes: OnnxNode["attributes"] = {},
  ): Value {
    return this.emitAll(op, inputs, [type], attributes)[0];
  }

  /** A node of several outputs. */
  emitAll(
    op: string,
    inputs: readonly Value[],
    types: readonly ValueType[],
    attributes: OnnxNode["attributes"] = {},
  ): readonly Value[] {
    const key = nodeKey(op, inputs, attributes, types.length);
    const known = this.emitted.get(key);
    if (known !== undefined) return known;
    const outputs: Value[] = [];
    const node: OnnxNode = { op, inputs, attributes, outputs };
    // A type may be that of another value, of which nothing else is wanted.
    for (const { dtype, shape } of types)
      outputs.push({ name: this.name("v"), dtype, shape, node });
    this.emitted.set(key, outputs);
    return outputs;
  }

  /** The value of a node without attributes, if there is one. */
  find(op: string, inputs: readonly Value[]): Value | undefined {
    return this.emitted.get(nodeKey(op, inputs, {}, 1))?.[0];
  }

  /** No name that an input may have. */
  private name(kind: string): string {
    return `#${this.prefix}${kind}${this.count++}`;
  }

  private contentKey(constant: Numbers): string {
    const { buffer, byteOffset, byteLength, length } = constant;
    // Of bytes: 0 and -0 are two numbers.
    if (length <= COMPARED) return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
    const known = this.identities.get(constant) ?? this.identities.size;
    this.identities.set(constant, known);
    return `#${known}`;
  }
}

const nodeKey = (
  op: string,
  inputs: readonly Value[],
  attributes: OnnxNode["attributes"],
  outputs: number,
): string =>
  `${op} ${inputs.map((input) => input.name).join()} ${JSON.stringify(attributes)} ${outputs}`;

/** The nodes that `outputs` depend on, each after what it needs. */
export function nodesOf(outputs: readonly Value[]): OnnxNode[] {
  const order: OnnxNode[] = [];
  const done = new Set<OnnxNode>();
  // Not recursive: an unrolled network is thousands of nodes deep.
  const stack = outputs.flatMap((value) => value.node ?? []).reverse();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    const missing = done.has(node)
      ? []
      : node.inputs.flatMap(({ node: input }) => (input && !done.has(input) ? [input] : []));
    if (missing.length > 0) {
      stack.push(...missing.reverse());
      continue;
    }
    stack.pop();
    if (done.has(node)) continue;
    done.add(node);
    order.push(node);
  }
  return order;
}
