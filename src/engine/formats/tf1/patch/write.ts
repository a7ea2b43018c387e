// Writes nodes of the edited model into the graph: those that no op of it stands for.
import { GraftError } from "../../../../protocol/errors";
import type { OpName } from "../../../graph/catalogue";
import type { Model, Node, Ref, Shape } from "../../../graph/model";
import type { Emission, Emit } from "../emit/emission";
import { modeOf } from "../emit/mode";
import { EMITTERS } from "../emit/table";
import type { AddedVariable } from "./added";
import type { Pairs } from "./differences";
import type { PatchedGraph } from "./graph";
import type { Values } from "./values";

export interface Writer {
  /** The tensor of a value of the edited model; what no op yields yet is written. */
  tensorOf(ref: Ref): string;
  /** The op of a variable of the edited model. */
  variableOp(name: string): string;
  /** Tensors of the nodes that were written, by name. */
  readonly written: ReadonlyMap<string, string>;
  /** Ops that are to run with training. */
  readonly updates: readonly string[];
  /** WhileContextDefs of loops that were written. */
  readonly whileContexts: readonly Uint8Array[];
  /** The placeholder of the mode, where something that was written depends on it. */
  mode(): string | undefined;
}

export interface Written {
  readonly graph: PatchedGraph;
  readonly before: Model;
  readonly after: Model;
  readonly pairs: Pairs;
  readonly values: Values;
  readonly added: readonly AddedVariable[];
  /** Nodes of `before` whose counterparts compute something else. */
  readonly rewritten: ReadonlySet<string>;
}

export function writerOf(context: Written): Writer {
  const { graph, before, after, pairs, values, rewritten } = context;
  const written = new Map<string, string>();
  const updates: string[] = [];
  const whileContexts: Uint8Array[] = [];
  let mode: string | undefined;
  const sources = new Map([...pairs.nodes].map(([name, now]) => [now.name, name]));
  const added = new Map(context.added.map((each) => [each.variable.name, each]));
  const old = new Map([...pairs.variables].map(([name, now]) => [now.name, name]));

  function nodeTensor(name: string): string {
    const source = sources.get(name);
    const kept =
      source === undefined || rewritten.has(source) ? undefined : before.nodes.get(source);
    const tensor = written.get(name) ?? (kept && values.tensorOf(kept));
    if (tensor !== undefined) return tensor;
    const node = after.nodes.get(name)!;
    const made = emit(node);
    written.set(name, made);
    return made;
  }

  function emit(node: Node): string {
    // The table pairs each op with the emitter for its attributes; the union loses that pairing.
    const emitter = EMITTERS[node.op] as Emit<OpName>;
    const to: Emission = {
      graph,
      name: opName(node.name),
      inputs: node.inputs.map(tensorOf),
      inputShapes: node.inputs.map(shapeOf),
      shape: after.shapes.get(node.name),
      tensorOf: nodeTensor,
      mode: () => (mode ??= modeOf(graph, isOfModel)),
      update: (op) => void updates.push(op),
      whileContext: (context) => void whileContexts.push(context),
    };
    return emitter(to, node.attributes);
  }

  const isOfModel = (op: string): boolean =>
    before.nodes.has(op) || [...written.values()].includes(op);

  const shapeOf = (ref: Ref): Shape | undefined =>
    "node" in ref ? after.shapes.get(ref.node) : after.variables.get(ref.variable)?.shape;

  const tensorOf = (ref: Ref): string =>
    "node" in ref
      ? nodeTensor(ref.node)
      : (added.get(ref.variable)?.read ?? values.read(old.get(ref.variable)!));

  return {
    tensorOf,
    variableOp: (name) => added.get(name)?.node.name ?? old.get(name)!,
    mode: () => mode,
    written,
    updates,
    whileContexts,
  };
}

/** A part of an op, such as the first sums of a sum of several, is an op of its own when it is written. */
function opName(name: string): string {
  const op = name.replaceAll(":", "/");
  if (isOpName(op)) return op;
  throw invalidName(name);
}

/** What TensorFlow takes as the name of an op. */
export const isOpName = (name: string): boolean => /^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/.test(name);

export const invalidName = (name: string): GraftError =>
  new GraftError(
    "invalid-edit",
    `TensorFlow does not take the name "${name}". Use letters, digits and . _ / - only, with a letter, a digit or a dot first.`,
  );
