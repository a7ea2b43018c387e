// WhileContextDef (tensorflow/core/protobuf/control_flow.proto): what TensorFlow 1 has to know of a while loop to build its
// gradient. Names are those of tensors.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export interface WhileContext {
  readonly name: string;
  /** The LoopCond. */
  readonly condition: string;
  /** An op of the condition, and one of the body, that others of theirs wait for. */
  readonly conditionPivot: string;
  readonly bodyPivot: string;
  readonly enters: readonly string[];
  readonly exits: readonly string[];
  /** Every tensor of the loop. */
  readonly values: readonly string[];
  /** What the loop reads from outside, and its name inside. */
  readonly external: readonly (readonly [outside: string, inside: string])[];
}

export function encodeContext(context: WhileContext): Uint8Array {
  const writer = new BinaryWriter();
  const text = (field: number, value: string): void =>
    void writer.tag(field, WireType.LengthDelimited).string(value);
  const number = (field: number, value: number): void =>
    void writer.tag(field, WireType.Varint).int32(value);
  text(1, context.name);
  number(2, PARALLEL_ITERATIONS);
  // back_prop
  number(3, 1);
  text(5, context.condition);
  text(6, context.conditionPivot);
  text(7, context.bodyPivot);
  for (const exit of context.exits) text(8, exit);
  writer.tag(9, WireType.LengthDelimited).bytes(encodeValues(context));
  for (const enter of context.enters) text(10, enter);
  return writer.finish();
}

/** TensorFlow's own default. */
export const PARALLEL_ITERATIONS = 32;

/** ValuesDef: values = 1, map external_values = 2. */
function encodeValues({ values, external }: WhileContext): Uint8Array {
  const writer = new BinaryWriter();
  for (const value of [...values, ...external.map(([outside]) => outside)])
    writer.tag(1, WireType.LengthDelimited).string(value);
  for (const [outside, inside] of external) {
    const entry = new BinaryWriter();
    entry.tag(1, WireType.LengthDelimited).string(outside);
    entry.tag(2, WireType.LengthDelimited).string(inside);
    writer.tag(2, WireType.LengthDelimited).bytes(entry.finish());
  }
  return writer.finish();
}
