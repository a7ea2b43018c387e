// Protocol buffer messages out of bytes that nobody vouches for.
import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { corrupt, reason } from "./errors";

/** `what` completes "X is not a valid message". */
export function decode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  file: string,
  what: string,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw corrupt(file, `${what} is not a valid ${schema.name} message (${reason(error)})`, error);
  }
}
