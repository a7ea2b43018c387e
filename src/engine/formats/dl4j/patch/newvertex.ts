// New vertices of a ComputationGraph that are no layers: what the nodes of an edit are there.
import type { OpName } from "../../../graph/catalogue";
import type { Model, Node, Ref, Shape } from "../../../graph/model";
import { fromStart } from "../../../graph/shapes";
import type { Json, Plain } from "../json";
import { plainObject, type Style } from "./fields";
import { type Group, notSaid } from "./groups";

interface Described {
  readonly type: string;
  readonly fields: Record<string, Plain>;
}

/** The op of a group that is one, with what is known of it. */
interface Place {
  readonly model: Model;
  readonly node: Node;
  readonly name: string;
  /** Of its inputs. */
  readonly shapes: readonly Shape[];
}

/** Undefined where the op is a vertex at other inputs only. */
type Rule = (place: Place) => Described | undefined;

/** Whether `node` becomes a vertex, and no layer or preprocessor. */
export const isVertex = (model: Model, node: Node): boolean =>
  RULES[node.op] !== undefined && !isFlatten(model, node);

/** Images to rows, which a preprocessor does. */
export function isFlatten({ shapes }: Model, { op, name, inputs: [x] }: Node): boolean {
  const from = x !== undefined && "node" in x ? shapes.get(x.node) : undefined;
  return op === "Reshape" && from?.length === 4 && shapes.get(name)?.length === 2;
}

/** The vertex that the nodes of a new group are; undefined where they are a layer. */
export function newVertex(style: Style, { name, nodes }: Group, model: Model): Json | undefined {
  const node = nodes.at(-1)!;
  const rule = RULES[node.op];
  if (rule === undefined || isFlatten(model, node)) return undefined;
  const shapes = node.inputs.map((ref) => shapeOf(model, ref));
  const found = rule({ model, node, name, shapes });
  if (found === undefined) throw notSaid(name, `its ${node.op} is no vertex of Deeplearning4j`);
  return plainObject(style, "vertex", found.type, found.fields);
}

const shapeOf = ({ shapes, variables }: Model, ref: Ref): Shape =>
  ("node" in ref ? shapes.get(ref.node) : variables.get(ref.variable)?.shape) ?? [];

/** Of vertices with the same shape. */
const elementwise =
  (op: "Add" | "Subtract" | "Product" | "Max"): Rule =>
  ({ shapes }) =>
    shapes.every((shape) => shape.join() === shapes[0].join())
      ? { type: "ElementWiseVertex", fields: { op } }
      : undefined;

/** With one number in place of the second vertex. */
const withNumber =
  (type: string, field: string, otherwise: Rule): Rule =>
  (place) => {
    const [, second] = place.node.inputs;
    const constant = "node" in second ? place.model.nodes.get(second.node) : undefined;
    if (constant?.op !== "Const") return otherwise(place);
    const { values } = constant.attributes;
    return values.length === 1 ? { type, fields: { [field]: values[0] } } : undefined;
  };

/** The input of the network whose mask says which steps there are. */
function maskedInput({ nodes }: Model, ref: Ref | undefined): string | null {
  const node = ref !== undefined && "node" in ref ? nodes.get(ref.node) : undefined;
  if (node === undefined) return null;
  return node.op === "Placeholder"
    ? node.origin[0]
    : maskedInput({ nodes } as Model, node.inputs[0]);
}

const RULES: { readonly [Op in OpName]?: Rule } = {
  Add: withNumber("ShiftVertex", "shiftFactor", elementwise("Add")),
  Sub: elementwise("Subtract"),
  Mul: withNumber("ScaleVertex", "scaleFactor", elementwise("Product")),
  Maximum: elementwise("Max"),
  Concat: ({ node, shapes: [{ length: rank }] }) => {
    const axis = node.op === "Concat" ? fromStart(node.attributes.axis, rank) : 0;
    // The features of a sequence are axis 1 there.
    if (rank === 3 && axis !== 2) return undefined;
    return { type: "MergeVertex", fields: { mergeAxis: rank === 3 ? 1 : axis } };
  },
  Slice: ({ node, shapes: [shape] }) => {
    if (node.op !== "Slice" || (shape.length !== 2 && shape.length !== 3)) return undefined;
    const { begin, end, strides } = node.attributes;
    const last = shape.length - 1;
    const isWhole =
      strides.every((each) => each === 1) &&
      begin.slice(0, last).every((each) => (each ?? 0) === 0) &&
      end.slice(0, last).every((each) => each === null);
    const [from, to] = [begin[last] ?? 0, end[last] ?? shape[last]];
    if (!isWhole || from < 0 || to < 1) return undefined;
    return { type: "SubsetVertex", fields: { from, to: to - 1 } };
  },
  Reshape: ({ node, shapes: [from] }) => {
    const shape = node.op === "Reshape" ? node.attributes.shape : [];
    const isPlain = from.length !== 3 && shape.length !== 3 && shape[0] === -1;
    if (!isPlain || shape.slice(1).some((size) => size < 1)) return undefined;
    return {
      type: "ReshapeVertex",
      fields: { reshapeOrder: "c", newShape: [...shape], maskShape: null },
    };
  },
  Reverse: ({ model, node }) => {
    if (node.op !== "Reverse" || node.attributes.axis !== 1 || node.attributes.batchAxis !== 0)
      return undefined;
    const maskArrayInputName = maskedInput(model, node.inputs[1]);
    return { type: "ReverseTimeSeriesVertex", fields: { maskArrayInputName } };
  },
  LastStep: ({ model, node }) => ({
    type: "LastTimeStepVertex",
    fields: { maskArrayInputName: maskedInput(model, node.inputs[1]) },
  }),
};
