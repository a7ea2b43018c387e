// CondContextDef and WhileContextDef (tensorflow/core/protobuf/control_flow.proto), which TensorFlow 1 keeps in collections.
// They list the tensors inside a cond or loop by name, those of the gradient's accumulators too; TensorFlow looks
// each of them up, so names of removed nodes must go and others follow. Everything else is copied as it is.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** What a tensor is called now; null where it is gone. */
export type NameNow = (tensor: string) => string | null;

/** What to do with a length-delimited field: null drops it. */
type PatchField = (field: number, value: Uint8Array) => Uint8Array | null;

export const CONTEXTS: Readonly<
  Record<string, (bytes: Uint8Array, nameNow: NameNow) => Uint8Array | null>
> = {
  /** Null when the cond itself is gone. */
  cond_context: (bytes, nameNow) =>
    patchContext(bytes, nameNow, { needed: [2, 3], listed: [], values: 5, nested: 6 }),
  /** Null when the loop itself is gone. */
  while_context: (bytes, nameNow) =>
    patchContext(bytes, nameNow, { needed: [5, 6, 7], listed: [8, 10, 11], values: 9, nested: 12 }),
};

interface Fields {
  /** Names without which there is no such context: predicate and pivots. */
  readonly needed: readonly number[];
  /** Names that may go one by one: loop enters and exits, the maximum number of iterations. */
  readonly listed: readonly number[];
  readonly values: number;
  readonly nested: number;
}

function patchContext(bytes: Uint8Array, nameNow: NameNow, fields: Fields): Uint8Array | null {
  let lost = false;
  const patched = patchFields(bytes, (field, value) => {
    if (field === fields.values) return patchValues(value, nameNow);
    if (field === fields.nested) return patchNested(value, nameNow);
    if (!fields.needed.includes(field) && !fields.listed.includes(field)) return value;
    const name = patchName(value, nameNow);
    lost ||= name === null && fields.needed.includes(field);
    return name;
  });
  return lost ? null : patched;
}

/** ValuesDef: values = 1, map external_values = 2. */
const patchValues = (bytes: Uint8Array, nameNow: NameNow): Uint8Array =>
  patchFields(bytes, (field, value) => {
    if (field === 1) return patchName(value, nameNow);
    if (field !== 2) return value;
    let lost = false;
    const entry = patchFields(value, (_, text) => {
      const name = patchName(text, nameNow);
      lost ||= name === null;
      return name;
    });
    return lost ? null : entry;
  });

/** ControlFlowContextDef: cond_ctxt = 1, while_ctxt = 2. */
function patchNested(bytes: Uint8Array, nameNow: NameNow): Uint8Array | null {
  let lost = false;
  const patched = patchFields(bytes, (field, value) => {
    const context = CONTEXTS[field === 1 ? "cond_context" : "while_context"]!(value, nameNow);
    lost ||= context === null;
    return context;
  });
  return lost ? null : patched;
}

function patchName(value: Uint8Array, nameNow: NameNow): Uint8Array | null {
  const old = new TextDecoder().decode(value);
  const name = nameNow(old);
  return name === null ? null : name === old ? value : new TextEncoder().encode(name);
}

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
