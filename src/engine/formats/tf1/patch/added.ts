// New variables: op, initial value, assignment and read, as TensorFlow's own program would have made them.
import { create, toBinary } from "@bufbuild/protobuf";
import { isFrozen, type Variable } from "../../../graph/model";
import * as attribute from "../emit/attributes";
import { VariableDefSchema, type NodeDef } from "../proto/tensorflow_pb";
import { initialValue } from "./freshvalues";
import type { PatchedGraph } from "./graph";
import { addRead } from "./values";
import type { GraphVariable } from "./variables";
import { invalidName, isOpName } from "./write";

export interface AddedVariable {
  readonly variable: Variable;
  readonly node: NodeDef;
  /** The tensor to read it by. */
  readonly read: string;
  readonly isTrainable: boolean;
  /** The VariableDef for the collections. */
  readonly definition: Uint8Array;
  /** Whether the graph's own initializer starts it as the model says; zeros stand in for what an op cannot compute. */
  readonly startsAsModel: boolean;
}

/** What initializes all variables of a graph that has none yet. */
export const INIT = "init";

/** In the kind that most variables of the graph have, and in the op that initializes most of them. */
export function addVariables(
  graph: PatchedGraph,
  old: ReadonlyMap<string, GraphVariable>,
  added: readonly Variable[],
): AddedVariable[] {
  if (added.length === 0) return [];
  const resources = [...old.values()].filter(({ node }) => node.op === "VarHandleOp").length;
  const group = initializerGroup(graph, old);
  return added.map((variable) => {
    const made = addVariable(graph, variable, resources > old.size / 2);
    if (group !== undefined) graph.setInputs(group, [...group.input, `^${made.assign}`]);
    return made;
  });
}

function addVariable(
  graph: PatchedGraph,
  variable: Variable,
  isResource: boolean,
): AddedVariable & { readonly assign: string } {
  const { name } = variable;
  if (!isOpName(name)) throw invalidName(name);
  const isTrainable = !isFrozen(variable);
  const dtype = attribute.ofType(variable.dtype);
  const op = graph.add({
    name,
    op: isResource ? "VarHandleOp" : "VariableV2",
    attributes: {
      dtype,
      shape: attribute.shape(variable.shape),
      container: attribute.text(""),
      shared_name: attribute.text(isResource ? name : ""),
    },
  });
  const node = graph.nodes.get(op)!;
  const { tensor, isExact } = initialValue(graph, variable);
  const assign = graph.add({
    name: `${name}/Assign`,
    op: isResource ? "AssignVariableOp" : "Assign",
    inputs: [op, tensor],
    attributes: isResource
      ? { dtype }
      : {
          T: dtype,
          use_locking: attribute.flag(true),
          validate_shape: attribute.flag(true),
          _class: attribute.beside(op),
        },
  });
  const read = addRead(graph, node);
  const definition = toBinary(
    VariableDefSchema,
    create(VariableDefSchema, {
      variableName: inputName(op),
      initializerName: assign,
      snapshotName: inputName(read),
      initialValueName: inputName(tensor),
      isResource,
      trainable: isTrainable,
    }),
  );
  return { variable, node, read, assign, isTrainable, definition, startsAsModel: isExact };
}

/** As collections write a tensor: with the number of the output. */
const inputName = (node: string): string => `${node}:0`;

/** The op that initializes more variables than any other. */
function initializerGroup(
  graph: PatchedGraph,
  variables: ReadonlyMap<string, GraphVariable>,
): NodeDef | undefined {
  const initializers = new Set(
    [...variables.values()].flatMap(({ initializer }) => initializer?.name ?? []),
  );
  const groups = [...graph.nodes.values()].filter(
    ({ op, input }) =>
      op === "NoOp" &&
      input.length > 0 &&
      input.every((each) => each.startsWith("^") && initializers.has(each.slice(1))),
  );
  const [most] = groups.toSorted((a, b) => b.input.length - a.input.length);
  return most ?? (variables.size === 0 ? graph.nodes.get(INIT) : undefined);
}
