// Images with their channels last: on a CPU, TensorFlow convolves and pools those only.
import type { OpName } from "../../../graph/catalogue";
import type { Model, Node, Ref } from "../../../graph/model";
import { fromStart } from "../../../graph/shapes";
import { GraftError } from "../../../../protocol/errors";

const TO_LAST = [0, 2, 3, 1];
const TO_FIRST = [0, 3, 1, 2];

/** Ops for which the order of axes does not matter, as long as all inputs have the same. */
const INDIFFERENT: ReadonlySet<OpName> = new Set([
  ...(["Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Pow", "SquaredDifference"] as const),
  ...(["Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus"] as const),
  ...(["Exp", "Log", "Log1p", "Neg", "Abs", "Square", "Sqrt", "Rsqrt", "Floor"] as const),
  ...(["Identity", "StopGradient", "Cast", "Dropout", "Pad", "Concat"] as const),
]);

/**
 * The same function with images in TensorFlow's order between the ops that have one; a transpose where another op takes
 * them in the old one.
 */
export function channelsLast(model: Model): Model {
  const nodes = new Map<string, Node>();
  /** Nodes that yield images with the channels last, which had them first. */
  const turned = new Set<string>();
  const isImage = (ref: Ref): boolean => "node" in ref && model.shapes.get(ref.node)?.length === 4;
  const isTurned = (ref: Ref): boolean => "node" in ref && turned.has(ref.node);

  const transposed = (ref: Ref, last: boolean): Ref => {
    if (!("node" in ref) || isTurned(ref) === last) return ref;
    const name = `${ref.node}/channels_${last ? "last" : "first"}`;
    const attributes = { permutation: last ? TO_LAST : TO_FIRST };
    nodes.set(name, { name, op: "Transpose", inputs: [ref], attributes, origin: [] });
    return { node: name };
  };

  for (const node of model.nodes.values()) {
    const isLast = takesLast(node, isImage, isTurned);
    const inputs = node.inputs.map((ref) => transposed(ref, isLast && isImage(ref)));
    nodes.set(node.name, { ...(isLast ? inLastOrder(node) : node), inputs });
    if (isLast) turned.add(node.name);
  }
  const { output } = model.roles;
  if (output !== undefined && turned.has(output))
    throw new GraftError(
      "unsupported-op",
      `${output} gives out images with their channels first, which TensorFlow computes on no CPU. Graft converts networks whose output is a row of numbers.`,
    );
  return { ...model, nodes };
}

type Is = (ref: Ref) => boolean;

/** Whether an op is computed with the channels last. */
function takesLast(node: Node, isImage: Is, isTurned: Is): boolean {
  const [x] = node.inputs;
  if (x === undefined) return false;
  if ("dataFormat" in node.attributes)
    return node.attributes.dataFormat === "NCHW" && (isImage(x) || node.op === "Conv2DTranspose");
  return INDIFFERENT.has(node.op) && node.inputs.some(isTurned) && node.inputs.every(isImage);
}

/** The op with the channels last. */
function inLastOrder(node: Node): Node {
  if ("dataFormat" in node.attributes)
    return { ...node, attributes: { ...node.attributes, dataFormat: "NHWC" } } as Node;
  switch (node.op) {
    case "Pad": {
      const { paddings } = node.attributes;
      const ordered = TO_LAST.flatMap((axis) => paddings.slice(2 * axis, 2 * axis + 2));
      return { ...node, attributes: { paddings: ordered } };
    }
    case "Concat":
      return { ...node, attributes: { axis: TO_LAST.indexOf(fromStart(node.attributes.axis, 4)) } };
    default:
      return node;
  }
}
