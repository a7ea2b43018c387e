// Kinds of TensorFlow ops that patching has to tell apart.
import type { NodeDef } from "../proto/tensorflow_pb";

type Test = (node: NodeDef | undefined) => boolean;

const oneOf =
  (...ops: readonly string[]): Test =>
  (node) =>
    node !== undefined && ops.includes(node.op);

/** Holds a variable's value, or a handle to it. */
export const isVariable = oneOf("VariableV2", "Variable", "VarHandleOp");

/** Inputs: variable, value. */
export const isAssign = oneOf("Assign", "AssignVariableOp");

/** Inputs: file name, tensor names, for all but `Save` their slices, then the tensors. */
export const isSave = oneOf("SaveV2", "SaveSlices", "Save");

/** Inputs: file name, tensor name or (`RestoreV2`) names, for all but `Restore` the slices. */
export const isRestore = oneOf("RestoreV2", "RestoreSlice", "Restore");

/** Applies a gradient: ApplyAdam, ResourceApplyMomentum, SparseApplyFtrl, … Inputs: variable, slots, … */
export const isUpdate: Test = (node) =>
  node !== undefined && /^(Resource)?(Sparse)?Apply[A-Z]/.test(node.op);

/** Where samples and settings come in: the owner's program may feed them, whoever reads them. */
export const isFed: Test = (node) =>
  node !== undefined && /^(Placeholder.*|IteratorGetNext|QueueDequeue.*)$/.test(node.op);
