// Initial values of variables whose shape changed, so that `init` and `global_variables_initializer()` still run.
// Where the way to the value is understood, its constants change; elsewhere a constant of zeros takes its place.
import type { Shape } from "../../../graph/model";
import type { NodeDef, TensorProto } from "../proto/tensorflow_pb";
import { constantOf, nodeOf, setTensor, type PatchedGraph } from "./graph";
import { isVariable } from "./ops";
import {
  integers,
  integersLike,
  resized,
  sameShape,
  shapeAttribute,
  tensorShape,
  zeros,
} from "./tensors";
import type { GraphVariable } from "./variables";

/** Which value a variable starts with now: `node:0`, by the variable's node. Only where it is another node. */
export type NewInitialValues = ReadonlyMap<string, string>;

interface Initialized {
  readonly variable: GraphVariable;
  readonly initializer: NodeDef;
  readonly shape: Shape;
  /** Everything that the value is computed from. */
  readonly sources: ReadonlySet<string>;
  /** Whether another variable that changed is among them: the value fits when that one's shape does. */
  readonly derived: boolean;
}

/** `changed`: nodes of variables that have a new shape, already set. */
export function patchInitialValues(
  graph: PatchedGraph,
  variables: Iterable<GraphVariable>,
  changed: ReadonlySet<string>,
): NewInitialValues {
  const all = [...variables].flatMap((variable): Initialized[] => {
    const { initializer, node } = variable;
    const shape = shapeAttribute(node);
    if (initializer === undefined || shape === undefined || !graph.has(node.name)) return [];
    const sources = graph.sources([nodeOf(initializer.input[1]!)]);
    const derived = [...sources].some((name) => changed.has(name));
    return [{ variable, initializer, shape, sources, derived }];
  });
  const touched = new Set(changed);
  for (const one of all)
    if (changed.has(one.variable.node.name))
      resize(graph, one, all).forEach((name) => touched.add(name));
  const values = new Map<string, string>();
  for (const { variable, initializer, shape, sources } of all) {
    const { node } = variable;
    if (!touched.has(node.name) && ![...sources].some((name) => touched.has(name))) continue;
    if (sameShape(valueShape(graph, graph.inputNode(initializer, 1)), shape)) continue;
    const tensor = zeros(typeOf(node), shape);
    const name = graph.addConstant(`${node.name}/Initializer/zeros`, tensor, node.device);
    graph.setInputs(initializer, initializer.input.with(1, name));
    values.set(node.name, `${name}:0`);
  }
  return values;
}

const typeOf = (node: NodeDef): number => {
  const type = node.attr["dtype"]?.value;
  return type?.case === "type" ? type.value : 1;
};

/** Gives the initial value the variable's shape; the names of the constants that changed. */
function resize(
  graph: PatchedGraph,
  one: Initialized,
  all: readonly Initialized[],
): readonly string[] {
  const value = graph.inputNode(one.initializer, 1);
  const edits = new Map<string, TensorProto>();
  if (!demand(graph, value, valueShape(graph, value), one.shape, edits)) return [];
  const old = new Map<string, TensorProto>();
  for (const [name, tensor] of edits) {
    const node = graph.nodes.get(name)!;
    old.set(name, constantOf(node)!);
    setTensor(node, tensor);
  }
  if ([...edits.keys()].every((name) => isOnlyInitial(graph, name, all))) return [...edits.keys()];
  for (const [name, tensor] of old) setTensor(graph.nodes.get(name)!, tensor);
  return [];
}

/** Whether nothing but initial values reads a constant, and those of other variables still fit. */
function isOnlyInitial(graph: PatchedGraph, name: string, all: readonly Initialized[]): boolean {
  const readers = all.filter((one) => one.sources.has(name));
  const initial = new Set(readers.flatMap((one) => [one.initializer.name, ...one.sources]));
  if (!graph.keptUsers(name).every((user) => initial.has(user.name))) return false;
  return readers.every((one) => {
    if (one.derived) return true;
    const shape = valueShape(graph, graph.inputNode(one.initializer, 1));
    return shape === undefined || sameShape(shape, one.shape);
  });
}

/** Ops whose output has the shape that a Const at input 0 says. */
const SHAPED =
  /^(Fill|RandomUniform|RandomUniformInt|RandomStandardNormal|TruncatedNormal|ParameterizedTruncatedNormal|Stateless(RandomUniform|RandomNormal|TruncatedNormal)(V2)?)$/;
/** Ops whose output has the shape of input 0. */
const UNARY =
  /^(Identity|StopGradient|Snapshot|Switch|RefSwitch|ReadVariableOp|Cast|Neg|Abs|Exp|Log|Sqrt|Rsqrt|Square|Tanh|Sigmoid|ZerosLike|OnesLike)$/;
/** Elementwise ops of two inputs, which broadcast. */
const BINARY = /^(Add|AddV2|Sub|Mul|Div|RealDiv|Maximum|Minimum|Pow)$/;

function valueShape(graph: PatchedGraph, node: NodeDef | undefined): Shape | undefined {
  if (node === undefined) return undefined;
  if (isVariable(node)) return shapeAttribute(node);
  const tensor = constantOf(node);
  if (tensor !== undefined) return tensorShape(tensor);
  if (SHAPED.test(node.op)) {
    const size = graph.constant(node, 0);
    return size === undefined ? undefined : integers(size);
  }
  if (UNARY.test(node.op)) return valueShape(graph, graph.inputNode(node, 0));
  if (!BINARY.test(node.op) && node.op !== "Merge") return undefined;
  const [a, b] = [0, 1].map((i) => valueShape(graph, graph.inputNode(node, i)));
  if (sameShape(a, b) || node.op === "Merge") return sameShape(a, b) ? a : undefined;
  return a?.length === 0 ? b : b?.length === 0 ? a : undefined;
}

/** Collects the constants that give `node`, of shape `from`, the shape `to`; false when that cannot be told. */
function demand(
  graph: PatchedGraph,
  node: NodeDef | undefined,
  from: Shape | undefined,
  to: Shape,
  edits: Map<string, TensorProto>,
): boolean {
  if (node === undefined) return false;
  const shape = valueShape(graph, node);
  if (sameShape(shape, to)) return true;
  const tensor = constantOf(node);
  if (tensor !== undefined) {
    if (!sameShape(shape, from)) return false;
    edits.set(node.name, resized(tensor, to));
    return true;
  }
  if (SHAPED.test(node.op)) {
    const source = graph.inputNode(node, 0);
    const size = source === undefined ? undefined : constantOf(source);
    if (source === undefined || size === undefined || integers(size) === undefined) return false;
    edits.set(source.name, integersLike(size, to));
    return true;
  }
  const inputs = UNARY.test(node.op)
    ? [0]
    : BINARY.test(node.op) || node.op === "Merge"
      ? [0, 1]
      : [];
  const whole = inputs
    .map((i) => graph.inputNode(node, i))
    .filter((input) => valueShape(graph, input)?.length !== 0 || from?.length === 0);
  return whole.length > 0 && whole.every((input) => demand(graph, input, from, to, edits));
}
