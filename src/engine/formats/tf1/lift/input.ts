// Where values come in: placeholders, the heads of input pipelines, constants and variables.
import type { Shape } from "../../../graph/model";
import * as attributes from "./attributes";
import { readConstant } from "./constants";
import { plain, scalar } from "./known";
import { inputOf, make, meaningOf, type Lifter, type Lifting, type Meaning } from "./lifting";
import { tensorName, type SourceNode } from "./source";

/** A boolean is a mode (is_training): false, which is what inference feeds. */
export const placeholder: Lifter = (lifting, node) => {
  const dtype = attributes.type(node, "dtype") ?? "float32";
  const declared = attributes.shape(node, "shape");
  // A program that says nothing of the shape may also have said []: old files do not tell the two apart.
  const open = declared === undefined || (declared.length === 0 && node.op === "Placeholder");
  if (dtype === "bool" && (open || declared.length === 0))
    return { kind: "static", value: scalar("bool", 0), name: node.name };
  const shape = open
    ? (shapeFromReader(lifting, node) ?? (declared?.length === 0 ? [] : [-1]))
    : declared;
  const value = node.op === "PlaceholderWithDefault" ? defaultOf(lifting, node) : undefined;
  const vague = declared === undefined && shape.length === 1;
  return make(
    lifting,
    node,
    "Placeholder",
    value === undefined ? { dtype } : { dtype, value },
    [],
    {
      shape,
      vague,
      batch: 1,
    },
  );
};

/** The number that a PlaceholderWithDefault yields when nothing is fed. */
export function defaultOf(lifting: Lifting, node: SourceNode): number | undefined {
  const meaning = inputOf(lifting, node, 0);
  const values = meaning.kind === "static" ? plain(meaning.value) : undefined;
  return values?.length === 1 ? values[0] : undefined;
}

/** What the first op implies about a placeholder of unknown shape. */
function shapeFromReader(lifting: Lifting, node: SourceNode): Shape | undefined {
  for (const reader of lifting.graph.readers.get(node.name)!) {
    const [first, second] = reader.inputs;
    if (first?.node !== node.name || second === undefined) continue;
    const kernel = kernelShape(lifting, second.node);
    if (reader.op === "MatMul" && kernel?.length === 2)
      return [-1, kernel[attributes.flag(reader, "transpose_b") ? 1 : 0]];
    if (reader.op === "Conv2D" && kernel?.length === 4)
      return attributes.dataFormat(reader) === "NCHW"
        ? [-1, kernel[2], -1, -1]
        : [-1, -1, -1, kernel[2]];
  }
  return undefined;
}

/** Of the variable that a read op reads; the variable itself may not have been reached yet. */
function kernelShape(lifting: Lifting, name: string): Shape | undefined {
  const read = lifting.graph.nodes.get(name);
  return lifting.variables.get(read?.inputs[0]?.node ?? name)?.shape;
}

/** The head of an input pipeline is where samples can be fed: one placeholder per component. */
export const pipeline =
  (typeList: string, shapeList: string): Lifter =>
  (lifting, node) => {
    const shapes = attributes.shapes(node, shapeList);
    return attributes.types(node, typeList).map((dtype, output): Meaning | undefined => {
      const shape = shapes[output];
      return make(lifting, node, "Placeholder", { dtype: dtype ?? "float32" }, [], {
        name: tensorName({ node: node.name, output }),
        shape: shape ?? [-1],
        vague: shape === undefined,
        batch: 1,
      });
    });
  };

export const constant: Lifter = (_, node) => {
  const proto = attributes.tensor(node, "value");
  const value = proto === undefined ? undefined : readConstant(proto);
  return value === undefined ? undefined : { kind: "static", value, name: node.name };
};

export const variable: Lifter = (lifting, node) => {
  const found = lifting.variables.get(node.name);
  // A part of a partitioned variable is not the variable: only the concatenation of all parts is.
  if (found === undefined || found.ops.length > 1) return undefined;
  return { kind: "variable", variable: found };
};

/** Ops that hand their first input on. */
export const passes: Lifter = (lifting, node) => inputOf(lifting, node, 0);

/** Several inputs handed on, one output each. */
export const passesAll: Lifter = (lifting, node) =>
  node.inputs.map((input) => meaningOf(lifting, input));
