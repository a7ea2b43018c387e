// CondContextDef and WhileContextDef (tensorflow/core/protobuf/control_flow.proto), which TensorFlow 1 keeps in collections.
// They list the tensors inside a cond or loop by name, those of the gradient's accumulators too; TensorFlow looks
// each of them up, so names of removed nodes must go. Everything else is copied as it is.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { nodeOf } from "./graph";

type IsRemoved = (node: string) => boolean;

/** What to do with a length-delimited field: null drops it. */
type PatchField = (field: number, value: Uint8Array) => Uint8Array | null;

export const CONTEXTS: Readonly<
  Record<string, (bytes: Uint8Array, removed: IsRemoved) => Uint8Array | null>
> = {
  /** Null when the cond itself is gone. */
  cond_context: (bytes, removed) =>
    patchContext(bytes, removed, { needed: [2, 3], listed: [], values: 5, nested: 6 }),
  /** Null when the loop itself is gone. */
  while_context: (bytes, removed) =>
    patchContext(bytes, removed, { needed: [5, 6, 7], listed: [8, 10, 11], values: 9, nested: 12 }),
};

interface Fields {
  /** Names without which there is no such context: predicate and pivots. */
  readonly needed: readonly number[];
  /** Names that may go one by one: loop enters and exits, the maximum number of iterations. */
  readonly listed: readonly number[];
  readonly values: number;
  readonly nested: number;
}

function patchContext(bytes: Uint8Array, removed: IsRemoved, fields: Fields): Uint8Array | null {
  let lost = false;
  const patched = patchFields(bytes, (field, value) => {
    if (fields.needed.includes(field)) lost ||= names(value, removed);
    if (fields.listed.includes(field)) return names(value, removed) ? null : value;
    if (field === fields.values) return patchValues(value, removed);
    if (field === fields.nested) return patchNested(value, removed);
    return value;
  });
  return lost ? null : patched;
}

/** ValuesDef: values = 1, map external_values = 2. */
const patchValues = (bytes: Uint8Array, removed: IsRemoved): Uint8Array =>
  patchFields(bytes, (field, value) => {
    if (field === 1) return names(value, removed) ? null : value;
    if (field !== 2) return value;
    let lost = false;
    patchFields(value, (_, name) => {
      lost ||= names(name, removed);
      return name;
    });
    return lost ? null : value;
  });

/** ControlFlowContextDef: cond_ctxt = 1, while_ctxt = 2. */
function patchNested(bytes: Uint8Array, removed: IsRemoved): Uint8Array | null {
  let lost = false;
  const patched = patchFields(bytes, (field, value) => {
    const context = CONTEXTS[field === 1 ? "cond_context" : "while_context"]!(value, removed);
    lost ||= context === null;
    return context;
  });
  return lost ? null : patched;
}

const names = (value: Uint8Array, removed: IsRemoved): boolean =>
  removed(nodeOf(new TextDecoder().decode(value)));

function patchFields(bytes: Uint8Array, patch: PatchField): Uint8Array {
  const reader = new BinaryReader(bytes);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (wire === WireType.LengthDelimited) {
      const value = patch(field, reader.bytes());
      if (value !== null) writer.tag(field, wire).bytes(value);
    } else writer.tag(field, wire).raw(reader.skip(wire, field));
  }
  return writer.finish();
}
